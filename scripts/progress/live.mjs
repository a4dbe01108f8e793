import { elapsed } from "./elapsed.mjs";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
const CLEAR_LINE = "\u001b[2K";
const UP = "\u001b[1A";
const DIM = "\u001b[2m";
const GREEN = "\u001b[32m";
const RED = "\u001b[31m";
const RESET = "\u001b[0m";

/** One line per running step at the bottom of the terminal, redrawn in place; what has ended scrolls up above them. */
export function liveDisplay({ stream, now }) {
  const running = new Set();
  let timer;
  let drawn = 0;
  let frame = 0;

  const erase = () => (drawn === 0 ? "" : `${CLEAR_LINE}${`${UP}${CLEAR_LINE}`.repeat(drawn)}\r`);
  const lines = () => [...running].map((entry) => runningLine(entry));
  const runningLine = (entry) => {
    const head = `${FRAMES[frame % FRAMES.length]} ${entry.title} ${elapsed(now() - entry.startedAt)}`;
    const room = (stream.columns ?? 80) - head.length - 4;
    const detail = room < 8 || entry.detail === "" ? "" : `  ${DIM}${clip(entry.detail, room)}${RESET}`;
    return `${clip(head, (stream.columns ?? 80) - 1)}${detail}`;
  };
  const draw = (above = "") => {
    const now_ = lines();
    stream.write(`${erase()}${above}${now_.map((line) => `${line}\n`).join("")}`);
    drawn = now_.length;
  };

  return {
    started(entry) {
      running.add(entry);
      draw();
      timer ??= setInterval(() => {
        frame += 1;
        draw();
      }, FRAME_MS);
    },
    changed() {},
    ended(entry, mark, text) {
      running.delete(entry);
      const colour = mark === "✓" ? GREEN : RED;
      const time = `${DIM}${elapsed(now() - entry.startedAt)}${RESET}`;
      draw(mark ? `${colour}${mark}${RESET} ${text} ${time}\n` : "");
    },
    note: (text) => draw(`${text}\n`),
    idle() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** Cuts to `width` columns, without control characters that would break the redraw. */
const clip = (text, width) => {
  const clean = text.replace(/[\u0000-\u001f\u007f]+/g, " ");
  return clean.length <= width ? clean : `${clean.slice(0, Math.max(0, width - 1))}…`;
};

import { elapsed } from "./elapsed.mjs";

/** Lines for a log: one at the start, one at the end, and one for each silence of `heartbeatMs` in between. */
export function plainDisplay({ stream, now, heartbeatMs }) {
  const running = new Set();
  let timer;
  let lastWrite = now();

  const write = (text) => {
    lastWrite = now();
    stream.write(`${text}\n`);
  };
  const beat = () => {
    if (now() - lastWrite < heartbeatMs) return;
    for (const entry of running) {
      const detail = entry.detail === "" ? "" : ` · ${entry.detail}`;
      write(`  … ${entry.title} (${elapsed(now() - entry.startedAt)})${detail}`);
    }
  };

  return {
    started(entry) {
      running.add(entry);
      write(`  … ${entry.title}`);
      timer ??= setInterval(beat, heartbeatMs / 4);
    },
    changed() {},
    ended(entry, mark, text) {
      running.delete(entry);
      if (mark) write(`${mark} ${text} (${elapsed(now() - entry.startedAt)})`);
    },
    note: (text) => write(text),
    idle() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

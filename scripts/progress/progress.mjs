/**
 * One display for all long work, written to stderr only: a live line per running step on a terminal, plain lines and a
 * heartbeat elsewhere. Plain JavaScript, because the bootstrap needs it before any package is installed.
 * Types: progress.d.mts.
 */
import { liveDisplay } from "./live.mjs";
import { plainDisplay } from "./plain.mjs";

export function createProgress({
  stream = process.stderr,
  live = Boolean(stream.isTTY) && !process.env.CI && process.env.TERM !== "dumb",
  now = () => performance.now(),
  heartbeatMs = 4_000,
} = {}) {
  const display = live ? liveDisplay({ stream, now }) : plainDisplay({ stream, now, heartbeatMs });
  const running = new Set();

  const end = (entry, mark, text) => {
    if (!running.delete(entry)) return;
    display.ended(entry, mark, text);
    if (running.size === 0) display.idle();
  };

  return {
    step(title) {
      const entry = { title, detail: "", startedAt: now() };
      running.add(entry);
      display.started(entry);
      return {
        detail(text) {
          const line = lastLine(text);
          if (line === "" || !running.has(entry)) return;
          entry.detail = line;
          display.changed(entry);
        },
        done: (text = title) => end(entry, "✓", text),
        fail: (text = title) => end(entry, "✗", text),
        drop: () => end(entry, undefined, title),
      };
    },
    note: (text) => display.note(text),
    close() {
      for (const entry of [...running]) end(entry, undefined, entry.title);
    },
  };
}

export async function track(progress, title, work) {
  const step = progress.step(title);
  try {
    const result = await work(step);
    step.done();
    return result;
  } catch (error) {
    step.fail();
    throw error;
  }
}

/** A display that shows nothing, for callers who report in their own way. */
export const silentProgress = {
  step: () => ({ detail() {}, done() {}, fail() {}, drop() {} }),
  note() {},
  close() {},
};

const lastLine = (text) =>
  text
    .split(/[\r\n]+/)
    .findLast((line) => line.trim() !== "")
    ?.trim() ?? "";

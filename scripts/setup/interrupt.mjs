/** Lets work that is interrupted (Ctrl-C, SIGTERM) put away what it began. Types: interrupt.d.mts. */

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
let guarded = 0;

export function beforeExit(cleanup) {
  if (guarded++ === 0) for (const signal of Object.keys(SIGNALS)) process.on(signal, leave);
  process.once("exit", cleanup);
  let over = false;
  return () => {
    if (over) return;
    over = true;
    process.removeListener("exit", cleanup);
    if (--guarded === 0) for (const signal of Object.keys(SIGNALS)) process.removeListener(signal, leave);
  };
}

/** A signal that nobody else handles ends the process as it would have, but for the clean-up. */
function leave(signal) {
  if (process.listenerCount(signal) === 1) process.exit(128 + SIGNALS[signal]);
}

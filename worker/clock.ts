/** Time as the worker sees it: the real one, or a simulation's. Milliseconds throughout. */
export interface Clock {
  /** Since 1970: what others are told. Somebody may set it forward or back. */
  now(): number;
  /** Since some moment; it only rises, evenly, whatever becomes of the date: what waits and limits are measured by. */
  elapsed(): number;
  /** Runs `callback` once, `delayMs` from now. @returns takes it back */
  after(delayMs: number, callback: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Settles after `delayMs`. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => clock.after(delayMs, resolve));
}

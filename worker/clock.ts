/** Time as the worker sees it: the real one, or a simulation's. Milliseconds throughout. */
export interface Clock {
  /** Since 1970. */
  now(): number;
  /** Runs `callback` once, `delayMs` from now. @returns takes it back */
  after(delayMs: number, callback: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Settles after `delayMs`. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  await new Promise<void>((resolve) => clock.after(delayMs, resolve));
}

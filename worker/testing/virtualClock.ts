import type { Clock } from "../clock.ts";

type Timer = { at: number; callback: () => void; order: number };

/** Time that passes only when told to. */
export class VirtualClock implements Clock {
  private time: number;
  private order = 0;
  private readonly timers = new Set<Timer>();

  constructor(startMs = 1_700_000_000_000) {
    this.time = startMs;
  }

  now(): number {
    return this.time;
  }

  elapsed(): number {
    return this.time;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.time + Math.max(0, delayMs), callback, order: this.order++ };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Lets `ms` pass: what falls due runs in its order, and what it leads to, before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const [next] = [...this.timers]
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order);
      if (!next) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      await settle();
    }
    this.time = end;
  }

  /** Milliseconds until the next timer; null where there is none. */
  nextIn(): number | null {
    const times = [...this.timers].map(({ at }) => at - this.time);
    return times.length === 0 ? null : Math.min(...times);
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

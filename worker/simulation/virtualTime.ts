import type { Clock } from "../clock.ts";

type Timer = { at: number; order: number; callback: (() => void) | null };

const START_MS = 1_700_000_000_000;

/**
 * Time that passes only from one timer to the next, so that minutes take milliseconds. Each timer runs alone: whatever
 * its callback leads to without waiting is over before the next one.
 */
export class VirtualTime {
  private readonly heap: Timer[] = [];
  private order = 0;
  private elapsed = 0;
  private wallOffset = START_MS;
  /** Streams that flow right now: they need the event loop, everything else only what waits for it already. */
  private streams = 0;

  /** Milliseconds since the beginning; never jumps. */
  get ms(): number {
    return this.elapsed;
  }

  /** Milliseconds since 1970 as this machine's clock has it. */
  wall(): number {
    return Math.floor(this.elapsed + this.wallOffset);
  }

  /** Somebody sets the machine's clock. */
  jump(byMs: number): void {
    this.wallOffset += byMs;
  }

  /** @returns takes it back */
  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.elapsed + Math.max(0, delayMs), order: this.order++, callback };
    this.push(timer);
    return () => {
      timer.callback = null;
    };
  }

  async pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => this.after(delayMs, resolve));
  }

  /** No time passes before what `work` streams has come as far as it can. */
  async whileStreaming<T>(work: () => Promise<T>): Promise<T> {
    this.streams += 1;
    try {
      return await work();
    } finally {
      this.streams -= 1;
    }
  }

  private async drained(): Promise<void> {
    await (this.streams > 0 ? eventLoop() : promises());
  }

  /** Lets time pass up to `endMs` since the beginning. */
  async runUntil(endMs: number): Promise<void> {
    await this.drained();
    for (;;) {
      const next = this.heap[0];
      if (!next || next.at > endMs) break;
      this.pop();
      if (next.callback === null) continue;
      this.elapsed = Math.max(this.elapsed, next.at);
      next.callback();
      await this.drained();
    }
    this.elapsed = endMs;
  }

  private push(timer: Timer): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** The event loop comes round only when no promise is left that could go on. */
async function eventLoop(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** So does the queue of ticks, at a tenth of the cost. */
async function promises(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

/** The clock that one process sees: nothing wakes it once it is dead. */
export function processClock(time: VirtualTime, isAlive: () => boolean): Clock {
  return {
    now: () => time.wall(),
    elapsed: () => time.ms,
    after: (delayMs, callback) =>
      time.after(delayMs, () => {
        if (isAlive()) callback();
      }),
  };
}

import type { Clock } from "../clock.ts";

type Timer = { at: number; order: number; callback: (() => void) | null };

/** Timers of one and the same delay, so that the first is always the next; `from` is the first that is left. */
type Lane = { timers: Timer[]; from: number };

const START_MS = 1_700_000_000_000;

/**
 * Time that passes only from one timer to the next, so that minutes take milliseconds. Each timer runs alone: whatever
 * its callback leads to without waiting is over before the next one.
 */
export class VirtualTime {
  private readonly heap: Timer[] = [];
  /** By delay: deadlines, of which nearly all are taken back long before they come. */
  private readonly lanes = new Map<number, Lane>();
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

  /** The same as `after`, for delays of which there are a few only. */
  deadline(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.elapsed + delayMs, order: this.order++, callback };
    const lane = this.lanes.get(delayMs) ?? { timers: [], from: 0 };
    this.lanes.set(delayMs, lane);
    lane.timers.push(timer);
    return () => {
      timer.callback = null;
    };
  }

  pause(delayMs: number): Promise<void> {
    return new Promise<void>((resolve) => this.after(delayMs, resolve));
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

  /** Once nothing could go on any more without time's passing. Each timer waits for it, so it is one promise. */
  private drained(): Promise<void> {
    return this.streams > 0 ? eventLoop() : promises();
  }

  /** Lets time pass up to `endMs` since the beginning. */
  async runUntil(endMs: number): Promise<void> {
    await this.drained();
    for (;;) {
      const next = this.takeNext(endMs);
      if (next === null) break;
      this.elapsed = Math.max(this.elapsed, next.at);
      next.callback!();
      await this.drained();
    }
    this.elapsed = endMs;
  }

  /** The next timer that was not taken back, until `endMs`. */
  private takeNext(endMs: number): Timer | null {
    while (this.heap[0]?.callback === null) this.pop();
    let next = this.heap[0];
    let of: Lane | null = null;
    for (const lane of this.lanes.values()) {
      while (lane.timers[lane.from]?.callback === null) lane.from += 1;
      if (lane.from > 1_000) {
        lane.timers.splice(0, lane.from);
        lane.from = 0;
      }
      const first = lane.timers[lane.from];
      if (!first || (next && isBefore(next, first))) continue;
      next = first;
      of = lane;
    }
    if (!next || next.at > endMs) return null;
    if (of) of.from += 1;
    else this.pop();
    return next;
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
function eventLoop(): Promise<void> {
  return new Promise<void>((resolve) => setImmediate(resolve));
}

/** So does the queue of ticks, at a tenth of the cost. */
function promises(): Promise<void> {
  return new Promise<void>((resolve) => process.nextTick(resolve));
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

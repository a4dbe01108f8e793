import type { Clock } from "./clock.ts";

export type RetryPolicy = {
  /** Failed attempts in a row after which a key counts as failed. */
  attempts: number;
  firstDelayMs: number;
  longestDelayMs: number;
  /** Between attempts once a key counts as failed. */
  slowDelayMs: number;
  /** The least time between a failure and a turn that a mere event asks for. */
  eventDelayMs: number;
};

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 6,
  firstDelayMs: 500,
  longestDelayMs: 30_000,
  slowDelayMs: 120_000,
  eventDelayMs: 5_000,
};

export type Turn = {
  /** Failed attempts before this one, in a row. */
  failures: number;
  /** Whether the key counts as failed if this turn fails too. */
  last: boolean;
};

type Entry = {
  running: boolean;
  /** Marked while it ran: it runs again. */
  again: boolean;
  /** Marked as fresh while it ran: that turn's failure says nothing of the next. */
  fresh: boolean;
  queued: boolean;
  failures: number;
  dueAt: number | null;
  cancel: (() => void) | null;
};

/**
 * Work by key: marks of a key coalesce, a key never has two turns at once, at most `parallel` keys have one, and a turn
 * that throws comes again later and later, with jitter, and after `attempts` failures slowly for ever.
 */
export class KeyedQueue {
  private readonly entries = new Map<string, Entry>();
  private readonly ready: string[] = [];
  private running = 0;
  private closed = false;
  private readonly idle: (() => void)[] = [];
  private readonly work: (key: string, turn: Turn) => Promise<void>;
  private readonly options: {
    clock: Clock;
    /** In [0, 1). */
    random: () => number;
    parallel: number;
    retry: RetryPolicy;
    onFailure: (key: string, error: unknown, retryInMs: number, turn: Turn) => void;
  };

  constructor(work: (key: string, turn: Turn) => Promise<void>, options: KeyedQueue["options"]) {
    this.work = work;
    this.options = options;
  }

  /**
   * Asks for a turn of `key`.
   * @param fresh whether something new is wanted, so that earlier failures count no more; a mere event does not end a
   *   key's waiting for its next attempt, it shortens it
   */
  mark(key: string, fresh = false): void {
    if (this.closed) return;
    const entry = this.entryOf(key);
    if (fresh) {
      entry.failures = 0;
      entry.fresh = entry.running;
    }
    if (entry.running) {
      entry.again = true;
      return;
    }
    if (entry.queued) return;
    const { clock, retry } = this.options;
    if (entry.dueAt === null || fresh) this.enqueue(key, entry);
    else if (entry.dueAt > clock.elapsed() + retry.eventDelayMs)
      this.schedule(key, entry, retry.eventDelayMs);
  }

  /** Whether the last turn of `key` failed: it waits for its next attempt. */
  isFailing(key: string): boolean {
    return (this.entries.get(key)?.failures ?? 0) > 0;
  }

  /** Takes no more marks. @returns when the turns that run have ended */
  async close(): Promise<void> {
    this.closed = true;
    for (const entry of this.entries.values()) entry.cancel?.();
    this.ready.length = 0;
    await this.settled();
  }

  /** Settles once nothing runs or waits for a free place; keys that wait for their next attempt do not count. */
  async settled(): Promise<void> {
    if (this.running === 0 && this.ready.length === 0) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private entryOf(key: string): Entry {
    const known = this.entries.get(key);
    if (known) return known;
    const entry: Entry = {
      running: false,
      again: false,
      fresh: false,
      queued: false,
      failures: 0,
      dueAt: null,
      cancel: null,
    };
    this.entries.set(key, entry);
    return entry;
  }

  private enqueue(key: string, entry: Entry): void {
    entry.cancel?.();
    entry.cancel = null;
    entry.dueAt = null;
    entry.queued = true;
    this.ready.push(key);
    this.next();
  }

  private schedule(key: string, entry: Entry, delayMs: number): void {
    entry.cancel?.();
    entry.dueAt = this.options.clock.elapsed() + delayMs;
    entry.cancel = this.options.clock.after(delayMs, () => this.enqueue(key, entry));
  }

  private next(): void {
    while (this.running < this.options.parallel) {
      const key = this.ready.shift();
      if (key === undefined) break;
      this.running += 1;
      void this.turn(key, this.entryOf(key));
    }
  }

  private async turn(key: string, entry: Entry): Promise<void> {
    const { retry } = this.options;
    entry.queued = false;
    entry.running = true;
    entry.again = false;
    entry.fresh = false;
    const turn = { failures: entry.failures, last: entry.failures + 1 >= retry.attempts };
    let error: unknown = null;
    try {
      await this.work(key, turn);
    } catch (thrown) {
      error = thrown ?? new Error("A turn failed without saying why.");
    }
    entry.running = false;
    this.running -= 1;
    if (!this.closed) this.afterTurn(key, entry, turn, error);
    this.next();
    if (this.running === 0 && this.ready.length === 0) {
      for (const resolve of this.idle.splice(0)) resolve();
    }
  }

  private afterTurn(key: string, entry: Entry, turn: Turn, error: unknown): void {
    const { retry } = this.options;
    if (error === null) {
      entry.failures = 0;
      if (entry.again) this.enqueue(key, entry);
      else this.entries.delete(key);
      return;
    }
    if (entry.fresh) {
      this.enqueue(key, entry);
      return;
    }
    entry.failures = Math.min(entry.failures + 1, retry.attempts);
    const delayMs = this.delayAfter(entry.failures);
    this.options.onFailure(key, error, delayMs, turn);
    this.schedule(key, entry, delayMs);
  }

  /** Doubling, then slow; between half and all of it, so that what failed together does not come back together. */
  private delayAfter(failures: number): number {
    const { retry, random } = this.options;
    const full =
      failures >= retry.attempts
        ? retry.slowDelayMs
        : Math.min(retry.firstDelayMs * 2 ** (failures - 1), retry.longestDelayMs);
    return Math.round(full * (0.5 + random() / 2));
  }
}

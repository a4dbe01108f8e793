/**
 * One push at a time per key; what piles up behind it coalesces: only the newest value goes out, and everybody who
 * waited gets that one's result. Different keys go side by side; `alone` waits for all of them and holds them off.
 */
export class PushQueue<Value, Result> {
  private readonly send: (value: Value) => Promise<Result>;
  private readonly waiting = new Map<string, { newest: { value: Value }; result: Promise<Result> }>();
  private readonly tails = new Map<string, Promise<unknown>>();
  private barrier: Promise<unknown> = Promise.resolve();

  constructor(send: (value: Value) => Promise<Result>) {
    this.send = send;
  }

  push(key: string, value: Value): Promise<Result> {
    const behind = this.waiting.get(key);
    if (behind) {
      behind.newest.value = value;
      return behind.result;
    }
    const newest = { value };
    const result = this.after(key, () => {
      if (this.waiting.get(key)?.newest === newest) this.waiting.delete(key);
      return this.send(newest.value);
    });
    this.waiting.set(key, { newest, result });
    return result;
  }

  /** Runs `work` once all that was asked of `key` before is over. */
  after<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.waiting.delete(key);
    const result = this.settled([this.tails.get(key), this.barrier]).then(work);
    this.track(key, result);
    return result;
  }

  /** Runs `work` once everything asked before is over; what is asked later waits for it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    this.waiting.clear();
    const result = this.settled([...this.tails.values(), this.barrier]).then(work);
    this.barrier = result;
    return result;
  }

  private async settled(before: readonly (Promise<unknown> | undefined)[]): Promise<void> {
    await Promise.allSettled(before.map((promise) => promise ?? Promise.resolve()));
  }

  private track(key: string, result: Promise<unknown>): void {
    this.tails.set(key, result);
    const forget = () => {
      if (this.tails.get(key) === result) this.tails.delete(key);
    };
    result.then(forget, forget);
  }
}

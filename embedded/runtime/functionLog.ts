/** What the functions have logged lately, for `npx convex logs` and the dashboard: a ring with waiting readers. */
import type { FunctionKind } from "./functions.ts";

export interface FunctionLogEntry {
  /** Milliseconds since the epoch at which the function ended. */
  readonly timestamp: number;
  readonly kind: FunctionKind | "httpAction";
  /** `messages.js:send`, or `GET /path`. */
  readonly path: string;
  readonly requestId: string;
  readonly durationMs: number;
  readonly error: string | null;
  readonly logLines: readonly string[];
}

const CAPACITY = 1_000;

export class FunctionLog {
  #entries: { readonly cursor: number; readonly entry: FunctionLogEntry }[] = [];
  #last: number;
  readonly #waiting = new Set<() => void>();

  /** `start` must be greater than the cursors that earlier runs of the server gave out: the time in ms will do. */
  constructor(start: number) {
    this.#last = start;
  }

  add(entry: FunctionLogEntry): void {
    this.#entries.push({ cursor: ++this.#last, entry });
    if (this.#entries.length > CAPACITY * 2) this.#entries = this.#entries.slice(-CAPACITY);
    for (const wake of this.#waiting) wake();
  }

  /** Entries after a cursor (0 for all that are kept), and the cursor to ask with next. */
  after(cursor: number): { entries: FunctionLogEntry[]; cursor: number } {
    const found = this.#entries.filter((each) => each.cursor > cursor);
    return { entries: found.map(({ entry }) => entry), cursor: this.#last };
  }

  /** Resolves when there is an entry after `cursor`, after `timeoutMs`, or when `signal` aborts. */
  wait(cursor: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#last > cursor || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      this.#waiting.add(end);
      signal.addEventListener("abort", end);
    });
  }

  /** Lets those who wait go. */
  close(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

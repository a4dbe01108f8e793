/** Counts what a transaction reads and writes, and ends it when it exceeds Convex's limits. */
import { LIMITS } from "../values/limits.ts";

export interface Metrics {
  bytesRead: number;
  bytesWritten: number;
  databaseQueries: number;
  documentsRead: number;
  documentsWritten: number;
  functionsScheduled: number;
  scheduledFunctionArgsBytes: number;
}

const ZERO: Metrics = {
  bytesRead: 0,
  bytesWritten: 0,
  databaseQueries: 0,
  documentsRead: 0,
  documentsWritten: 0,
  functionsScheduled: 0,
  scheduledFunctionArgsBytes: 0,
};

const SEE = "See https://docs.convex.dev/production/state/limits";

/** What happened, and how the limit is called in the message. */
const TEXTS: Record<keyof Metrics, string> = {
  bytesRead: "Too many bytes read in a single function execution",
  bytesWritten: "Too many bytes written in a single function execution",
  databaseQueries: "Too many reads in a single function execution: index ranges",
  documentsRead: "Too many documents read in a single function execution",
  documentsWritten: "Too many writes in a single function execution: documents",
  functionsScheduled: "Too many functions scheduled by this mutation",
  scheduledFunctionArgsBytes:
    "Too large total size of the arguments of scheduled functions from this mutation",
};

export class LimitTracker {
  #used: Metrics = { ...ZERO };
  #limits: Metrics = {
    bytesRead: LIMITS.bytesRead,
    bytesWritten: LIMITS.bytesWritten,
    databaseQueries: LIMITS.databaseQueries,
    documentsRead: LIMITS.documentsRead,
    documentsWritten: LIMITS.documentsWritten,
    functionsScheduled: LIMITS.functionsScheduled,
    scheduledFunctionArgsBytes: LIMITS.scheduledFunctionArgsBytes,
  };

  /** @throws Error when the metric passes its limit. */
  add(metric: keyof Metrics, amount: number): void {
    this.#used[metric] += amount;
    const limit = this.#limits[metric];
    if (this.#used[metric] > limit) throw new Error(`${TEXTS[metric]} (limit: ${limit}). ${SEE}`);
  }

  /** Tightens the limits for a nested call; what the caller gave is counted from here on. */
  enter(tighter: Partial<Metrics>): () => void {
    const before = this.#limits;
    this.#limits = { ...before };
    for (const metric of Object.keys(ZERO) as (keyof Metrics)[]) {
      const asked = tighter[metric];
      if (typeof asked === "number") {
        this.#limits[metric] = Math.min(before[metric], this.#used[metric] + asked);
      }
    }
    return () => {
      this.#limits = before;
    };
  }

  /** Reads stay counted when a nested mutation is rolled back; its writes do not. */
  snapshot(): () => void {
    const { bytesWritten, documentsWritten, functionsScheduled, scheduledFunctionArgsBytes } = this.#used;
    return () => {
      Object.assign(this.#used, {
        bytesWritten,
        documentsWritten,
        functionsScheduled,
        scheduledFunctionArgsBytes,
      });
    };
  }

  /** What `ctx.meta.getTransactionMetrics()` returns. */
  report(): Record<string, { used: number; remaining: number }> {
    const out: Record<string, { used: number; remaining: number }> = {};
    for (const metric of Object.keys(ZERO) as (keyof Metrics)[]) {
      const used = this.#used[metric];
      out[metric] = { used, remaining: Math.max(0, this.#limits[metric] - used) };
    }
    return out;
  }
}

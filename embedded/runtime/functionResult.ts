/** What a function that was called from outside is called with and ends with. */
import type { Failure } from "./errors.ts";
import type { Invocation } from "./realm.ts";

export interface FunctionResult {
  readonly outcome: Invocation;
  readonly logLines: readonly string[];
  /** A committed mutation's timestamp. */
  readonly ts: bigint | null;
}

/** The client's own number for a mutation. */
export interface RequestNumber {
  readonly sessionId: string;
  readonly requestId: number;
}

export interface CallOptions {
  /** Whether internal functions may be called. */
  readonly internal: boolean;
  /** A repetition of the same request gets the first answer. */
  readonly request?: RequestNumber;
  /** Called in the executor right after the commit, before live queries are brought up to date. */
  readonly onCommit?: (result: FunctionResult) => void;
}

export const failedResult = (failure: Failure, logLines: readonly string[] = []): FunctionResult => ({
  outcome: { ok: false, failure },
  logLines,
  ts: null,
});

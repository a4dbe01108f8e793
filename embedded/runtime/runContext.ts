/** What runs of all kinds share: the app, transactions on the one database, and the log of what ran. */
import type { Store } from "../storage/store.ts";
import type { LoadedApp } from "./app.ts";
import { plainFailure } from "./errors.ts";
import { Executor, type ExecutorHooks, type MutationEnd } from "./executor.ts";
import { FunctionLog } from "./functionLog.ts";
import type { AppFunction } from "./functions.ts";
import { timeoutMessage, type Invocation } from "./realm.ts";
import type { Caller } from "./request.ts";
import { Transaction } from "./transaction.ts";
import type { TransactionOperations, TransactionRoot } from "./transactionCall.ts";

export interface RunOptions {
  readonly store: Store;
  readonly app: LoadedApp;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long a query's or mutation's own code may take. */
  readonly userTimeoutMs: number;
  /** How long a query or mutation may take with all that it waits for. */
  readonly wallTimeoutMs: number;
  readonly actionTimeoutMs: number;
}

export class RunContext {
  /** The current one; a push replaces it. */
  app: LoadedApp;
  readonly options: RunOptions;
  readonly store: Store;
  readonly executor: Executor;
  readonly functionLog: FunctionLog;
  readonly now: () => number;
  #operations: TransactionOperations = {};

  constructor(options: RunOptions, hooks: ExecutorHooks) {
    this.app = options.app;
    this.options = options;
    this.store = options.store;
    this.now = options.now;
    this.executor = new Executor(options.store, options.wallTimeoutMs, hooks);
    this.functionLog = new FunctionLog(Math.floor(options.now()));
  }

  /** Adds operations for queries and mutations. */
  addOperations(operations: TransactionOperations): void {
    this.#operations = { ...this.#operations, ...operations };
  }

  /** A transaction that reads what is committed. */
  reading(): Transaction {
    return this.#transaction(false, 0n);
  }

  writing(commitTs: bigint): Transaction {
    return this.#transaction(true, commitTs);
  }

  root(app: LoadedApp, tx: Transaction, caller: Caller, journal: string | null): TransactionRoot {
    return {
      ...{ app, tx, caller, journal, nextJournal: null, logLines: [], usedIdentity: false },
      now: this.now(),
      backendMs: 0,
      startedAt: performance.now(),
      userTimeoutMs: this.options.userTimeoutMs,
      operations: this.#operations,
    };
  }

  /** Closes `tx`; the executor commits it or not. */
  endOf<T>(tx: Transaction, commit: boolean, value: T): MutationEnd<T> {
    tx.close();
    return {
      ...{ commit, value, touched: tx.touched, scheduledJobs: tx.scheduledJobs },
      beforeCommit: () => tx.resolveCommitTimestamps(),
    };
  }

  /** How a query or mutation ends that was interrupted for taking too long. */
  late(): Invocation {
    return { ok: false, failure: plainFailure(timeoutMessage(this.options.wallTimeoutMs)) };
  }

  /** @param started as of `performance.now()` */
  note(
    fn: Pick<AppFunction, "kind" | "path">,
    caller: Caller,
    started: number,
    invocation: Invocation,
    logLines: readonly string[],
  ): void {
    this.functionLog.add({
      ...{ timestamp: this.now(), kind: fn.kind, path: fn.path, requestId: caller.meta.requestId, logLines },
      durationMs: performance.now() - started,
      error: invocation.ok ? null : invocation.failure.message,
    });
  }

  #transaction(writable: boolean, commitTs: bigint): Transaction {
    return new Transaction({ store: this.store, schema: this.app.schema, writable, commitTs });
  }
}

/** The end of a mutation of which nothing is kept. */
export const nothingCommitted = <T>(value: T): MutationEnd<T> => ({
  ...{ commit: false, value, touched: [], scheduledJobs: false },
});

/** Runs queries: once for a caller, and again and again for subscriptions. */
import type { JSONValue } from "convex/values";
import type { Identity } from "../auth/identity.ts";
import type { QueryRequest, QueryRun } from "../live/liveQueries.ts";
import type { LoadedApp } from "./app.ts";
import { FunctionFailedError, plainFailure } from "./errors.ts";
import { failedResult, type CallOptions, type FunctionResult } from "./functionResult.ts";
import type { AppFunction } from "./functions.ts";
import type { Invocation } from "./realm.ts";
import { internalRequest, type Caller } from "./request.ts";
import type { RunContext } from "./runContext.ts";
import { findSystemQuery, isSystemPath, type SystemQueries, type SystemQuery } from "./systemQueries.ts";
import type { Transaction } from "./transaction.ts";
import { callInTransaction, type TransactionRoot } from "./transactionCall.ts";

export class QueryRuns {
  readonly #context: RunContext;
  readonly #systemQueries = new Map<string, SystemQuery>();
  /** The transaction of the query that was started last. */
  #last: Transaction | null = null;

  constructor(context: RunContext) {
    this.#context = context;
  }

  /** Adds queries that only administrators can ask. */
  addSystemQueries(queries: SystemQueries): void {
    for (const [path, query] of Object.entries(queries)) this.#systemQueries.set(path, query);
  }

  /** Runs a query once; in `app`, when that is another one than the current one. */
  once(
    path: string,
    args: JSONValue,
    caller: Caller,
    options: CallOptions,
    app: LoadedApp | null,
  ): Promise<FunctionResult> {
    const started = performance.now();
    let running: { fn: AppFunction; root: TransactionRoot } | null = null;
    const toResult = (outcome: Invocation): FunctionResult => {
      if (running === null) return { outcome, logLines: [], ts: null };
      this.#context.note(running.fn, caller, started, outcome, running.root.logLines);
      return { outcome, logLines: running.root.logLines, ts: null };
    };
    return this.#context.executor.query<FunctionResult>(
      () => {
        if (isSystemPath(path)) return toResult(this.#answerSystem(path, args, caller.identity).outcome);
        const current = app ?? this.#context.app;
        try {
          const fn = current.functions.find(path, "query", options.internal);
          const root = this.#root(current, caller, null);
          running = { fn, root };
          const outcome = this.#start(root, fn, args, false);
          return outcome instanceof Promise ? outcome.then(toResult) : toResult(outcome);
        } catch (error) {
          if (error instanceof FunctionFailedError) return failedResult(error.failure);
          throw error;
        }
      },
      () => {
        running?.root.tx.close();
        return toResult(this.#context.late());
      },
    );
  }

  /**
   * Runs a subscription's query.
   * @param guarded that nobody else watches how long the query takes
   */
  live(request: QueryRequest, guarded: boolean): QueryRun | Promise<QueryRun> {
    const none = { logLines: [], journal: null, usedIdentity: false };
    if (isSystemPath(request.path)) {
      return { ...none, ...this.#answerSystem(request.path, request.args, request.identity) };
    }
    const caller: Caller = { identity: request.identity, meta: internalRequest() };
    const started = performance.now();
    let fn: AppFunction;
    try {
      fn = this.#context.app.functions.find(request.path, "query", request.identity.kind === "admin");
    } catch (error) {
      if (!(error instanceof FunctionFailedError)) throw error;
      const { reads } = this.#context.reading();
      return { ...none, outcome: { ok: false, failure: error.failure }, reads };
    }
    const root = this.#root(this.#context.app, caller, request.journal);
    const outcome = this.#start(root, fn, request.args, guarded);
    const toRun = (invocation: Invocation): QueryRun => {
      this.#context.note(fn, caller, started, invocation, root.logLines);
      return {
        ...{ outcome: invocation, logLines: root.logLines, journal: root.nextJournal },
        ...{ reads: root.tx.reads, usedIdentity: root.usedIdentity },
      };
    };
    return outcome instanceof Promise ? outcome.then(toRun) : toRun(outcome);
  }

  /** Runs subscriptions' queries one after another until one of them waits. @returns how many have been started */
  series(
    requests: readonly QueryRequest[],
    ended: (i: number, run: QueryRun | Promise<QueryRun>) => void,
  ): number {
    let at = 0;
    let waits = false;
    this.#context.executor.steps(
      () => {
        if (waits || at === requests.length) return false;
        const run = this.live(requests[at]!, false);
        ended(at++, run);
        waits = run instanceof Promise;
        return !waits;
      },
      () => {
        // What it has read until then decides when it is tried again.
        const tx = this.#last ?? this.#context.reading();
        tx.close();
        ended(at++, {
          ...{ outcome: this.#context.late(), logLines: [], journal: null },
          ...{ reads: tx.reads, usedIdentity: true },
        });
      },
    );
    return at;
  }

  #root(app: LoadedApp, caller: Caller, journal: string | null): TransactionRoot {
    const root = this.#context.root(app, this.#context.reading(), caller, journal);
    this.#last = root.tx;
    return root;
  }

  #start(
    root: TransactionRoot,
    fn: AppFunction,
    args: JSONValue,
    guarded: boolean,
  ): Invocation | Promise<Invocation> {
    const run = (): Invocation | Promise<Invocation> => callInTransaction(root, fn, args, 0);
    const outcome = guarded ? this.#context.executor.guard(run, () => this.#context.late()) : run();
    if (outcome instanceof Promise) return outcome.finally(() => root.tx.close());
    root.tx.close();
    return outcome;
  }

  #answerSystem(path: string, args: JSONValue, identity: Identity): Pick<QueryRun, "outcome" | "reads"> {
    const tx = this.#context.reading();
    this.#last = tx;
    try {
      const json = findSystemQuery(this.#systemQueries, path, identity)(tx, args);
      return { outcome: { ok: true, json }, reads: tx.reads };
    } catch (error) {
      const failure =
        error instanceof FunctionFailedError ? error.failure : plainFailure((error as Error).message);
      return { outcome: { ok: false, failure }, reads: tx.reads };
    } finally {
      tx.close();
    }
  }
}

/** The backend itself: runs functions for whoever calls (HTTP, WebSocket, actions, the scheduler) on one database. */
import type { JSONValue } from "convex/values";
import { convexToJson, jsonToConvex } from "convex/values";
import { NOBODY, type Identity } from "../auth/identity.ts";
import { LiveQueries, type QueryRequest, type QueryRun } from "../live/liveQueries.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../storage/store.ts";
import { mentionsCommitTs, resolveCommitTs } from "../values/commitTs.ts";
import { ActionHost, type ActionBackend } from "./actionHost.ts";
import type { HttpRouter } from "./actions.ts";
import type { LoadedApp } from "./app.ts";
import { FunctionFailedError, plainFailure, type Failure } from "./errors.ts";
import { Executor, type MutationEnd } from "./executor.ts";
import { FunctionLog } from "./functionLog.ts";
import { checkArguments, checkReturn, type AppFunction, type FunctionKind } from "./functions.ts";
import { timeoutMessage, type Invocation } from "./realm.ts";
import { internalRequest, type Caller } from "./request.ts";
import { cancelJob, readJob, scheduleJob, setJobState } from "./scheduledFunctions.ts";
import { Scheduler } from "./scheduler.ts";
import { findSystemQuery, isSystemPath, type SystemQueries, type SystemQuery } from "./systemQueries.ts";
import { Transaction } from "./transaction.ts";
import { callInTransaction, type TransactionOperations, type TransactionRoot } from "./transactionCall.ts";

export interface BackendOptions {
  readonly store: Store;
  readonly app: LoadedApp;
  readonly log: Logger;
  readonly now: () => number;
  readonly userTimeoutMs: number;
  readonly wallTimeoutMs: number;
  readonly actionTimeoutMs: number;
}

export interface FunctionResult {
  readonly outcome: Invocation;
  readonly logLines: readonly string[];
  /** A committed mutation's timestamp. */
  readonly ts: bigint | null;
}

export interface CallOptions {
  /** Whether internal functions may be called. */
  readonly internal: boolean;
  /** The client's own number for a mutation: a repetition gets the first answer. */
  readonly request?: { readonly sessionId: string; readonly requestId: number };
  /** Called in the executor right after the commit, before live queries are brought up to date. */
  readonly onCommit?: (result: FunctionResult) => void;
}

const failedResult = (failure: Failure, logLines: readonly string[] = []): FunctionResult => ({
  outcome: { ok: false, failure },
  logLines,
  ts: null,
});

export class Backend implements ActionBackend {
  readonly store: Store;
  readonly live: LiveQueries;
  readonly executor: Executor;
  readonly scheduler: Scheduler;
  readonly functionLog: FunctionLog;
  readonly log: Logger;
  readonly now: () => number;
  readonly #options: BackendOptions;
  #app: LoadedApp;
  /** The transaction of the query that was started last. */
  #lastQuery: Transaction | null = null;
  readonly #afterChange = new Set<() => void>();
  readonly #extras = new Map<string, (host: ActionHost, args: unknown) => Promise<string>>();
  readonly #systemQueries = new Map<string, SystemQuery>();
  #transactionExtras: TransactionOperations = {};
  readonly #jsExtras = new Map<
    string,
    (host: ActionHost, args: Record<string, unknown>) => Promise<unknown>
  >();

  constructor(options: BackendOptions) {
    this.#options = options;
    this.store = options.store;
    this.log = options.log;
    this.now = options.now;
    this.functionLog = new FunctionLog(Math.floor(options.now()));
    this.#app = options.app;
    this.live = new LiveQueries({
      one: (request) => this.#runLive(request, true),
      series: (requests, ended) => this.#runSeries(requests, ended),
    });
    this.executor = new Executor(options.store, options.wallTimeoutMs, {
      afterCommit: async (touched, scheduledJobs) => {
        this.live.invalidate(touched);
        if (this.live.hasDirty) await this.live.refresh();
        for (const tell of this.#afterChange) tell();
        if (scheduledJobs) this.scheduler.poke();
      },
      afterOther: async () => {
        if (this.live.hasDirty) await this.live.refresh();
        for (const tell of this.#afterChange) tell();
      },
      interrupted: () => this.#app.realms.discardAll(),
    });
    this.scheduler = new Scheduler(
      {
        store: this.store,
        kindOf: (path) =>
          this.#app.functions.has(path) ? this.#app.functions.find(path, null, true).kind : null,
        write: (work) => this.write(work),
        read: (work) => this.executor.other(work),
        runScheduledMutation: (id) => this.#runScheduledMutation(id),
        runScheduledAction: (id, path, args) => this.#runScheduledAction(id, path, args),
      },
      options.now,
      options.log,
    );
  }

  get app(): LoadedApp {
    return this.#app;
  }

  /** Calls `tell` after each job that may have changed live queries, still inside the executor. */
  onChange(tell: () => void): () => void {
    this.#afterChange.add(tell);
    return () => this.#afterChange.delete(tell);
  }

  /** Adds an operation for actions (a JSON answer), for parts such as file storage and vector search. */
  addActionOperation(op: string, handler: (host: ActionHost, args: unknown) => Promise<string>): void {
    this.#extras.set(op, handler);
  }

  addActionJsOperation(
    op: string,
    handler: (host: ActionHost, args: Record<string, unknown>) => Promise<unknown>,
  ): void {
    this.#jsExtras.set(op, handler);
  }

  /** Adds queries that only administrators can ask. */
  addSystemQueries(queries: SystemQueries): void {
    for (const [path, query] of Object.entries(queries)) this.#systemQueries.set(path, query);
  }

  /** Adds operations for queries and mutations. */
  addTransactionOperations(operations: TransactionOperations): void {
    this.#transactionExtras = { ...this.#transactionExtras, ...operations };
  }

  extra(op: string): ((host: ActionHost, args: unknown) => Promise<string>) | null {
    return this.#extras.get(op) ?? null;
  }

  extraJs(op: string): ((host: ActionHost, args: Record<string, unknown>) => Promise<unknown>) | null {
    return this.#jsExtras.get(op) ?? null;
  }

  /** Replaces the app; `apply` changes the database and must be all or nothing. */
  replaceApp<T>(app: LoadedApp, apply: () => T): Promise<T> {
    return this.executor.other(() => {
      const result = apply();
      this.#app = app;
      this.live.invalidateAll();
      this.scheduler.poke();
      return result;
    });
  }

  /** Runs the backend's own code in a write transaction, without functions. */
  async write<T>(work: (tx: Transaction) => T): Promise<T> {
    const committed = await this.executor.mutation<{ value: T } | { error: unknown }>(
      (ts) => {
        const tx = this.#transaction(true, ts);
        try {
          return this.#endOf(tx, true, { value: work(tx) });
        } catch (error) {
          return this.#endOf(tx, false, { error });
        }
      },
      () => ({
        commit: false,
        value: { error: new Error("interrupted") },
        touched: [],
        scheduledJobs: false,
      }),
    );
    if ("error" in committed.value) throw committed.value.error;
    return committed.value.value;
  }

  /** Runs the backend's own code that only reads, between transactions. */
  read<T>(work: (tx: Transaction) => T): Promise<T> {
    return this.executor.other(() => work(this.#transaction(false, 0n)));
  }

  /** Runs a query once; in `app`, when that is another one than the current one. */
  async query(
    path: string,
    args: JSONValue,
    caller: Caller,
    options: CallOptions,
    app: LoadedApp | null = null,
  ): Promise<FunctionResult> {
    const started = performance.now();
    const logLines: string[] = [];
    let running: { fn: AppFunction; root: TransactionRoot } | null = null;
    const toResult = (outcome: Invocation): FunctionResult => {
      if (running === null) return { outcome, logLines, ts: null };
      this.#noteRun(running.fn, caller, started, outcome, running.root.logLines);
      return { outcome, logLines: running.root.logLines, ts: null };
    };
    return this.executor.query<FunctionResult>(
      () => {
        if (isSystemPath(path)) return toResult(this.#answerSystem(path, args, caller.identity).outcome);
        const current = app ?? this.#app;
        try {
          const fn = current.functions.find(path, "query", options.internal);
          const root = this.#queryRoot(current, caller, null);
          running = { fn, root };
          const outcome = this.#startQuery(root, fn, args, false);
          return outcome instanceof Promise ? outcome.then(toResult) : toResult(outcome);
        } catch (error) {
          if (error instanceof FunctionFailedError) return failedResult(error.failure);
          throw error;
        }
      },
      () => {
        running?.root.tx.close();
        return toResult(this.#late());
      },
    );
  }

  /** Runs a mutation; resolves when it is durable and live queries show it. */
  async mutation(
    path: string,
    args: JSONValue,
    caller: Caller,
    options: CallOptions,
  ): Promise<FunctionResult> {
    let fn: AppFunction;
    try {
      fn = this.#app.functions.find(path, "mutation", options.internal);
    } catch (error) {
      if (error instanceof FunctionFailedError) return this.#inTurn(failedResult(error.failure), options);
      throw error;
    }
    const started = performance.now();
    let root: TransactionRoot | null = null;
    const toEnd = (invocation: Invocation, ts: bigint): MutationEnd<FunctionResult> => {
      const { tx, logLines } = root!;
      this.#noteRun(fn, caller, started, invocation, logLines);
      const outcome = resolveResult(invocation, ts);
      const result: FunctionResult = { outcome, logLines, ts: outcome.ok ? ts : null };
      if (outcome.ok && options.request !== undefined) this.#remember(options.request, result);
      return this.#endOf(tx, outcome.ok, result);
    };
    const committed = await this.executor.mutation<FunctionResult>(
      (ts) => {
        const known = options.request === undefined ? null : this.#recall(options.request);
        if (known !== null) return { commit: false, value: known, touched: [], scheduledJobs: false };
        root = this.#root(this.#app, this.#transaction(true, ts), caller, null);
        const outcome = callInTransaction(root, fn, args, 0);
        return outcome instanceof Promise ? outcome.then((end) => toEnd(end, ts)) : toEnd(outcome, ts);
      },
      () => {
        root?.tx.close();
        const failure = plainFailure(timeoutMessage(this.#options.wallTimeoutMs));
        const invocation: Invocation = { ok: false, failure };
        this.#noteRun(fn, caller, started, invocation, root?.logLines ?? []);
        return {
          commit: false,
          value: failedResult(failure, root?.logLines),
          touched: [],
          scheduledJobs: false,
        };
      },
      (result) => options.onCommit?.(result),
    );
    return committed.value;
  }

  /** Answers a call that fails before it runs, but in its turn, so that answers keep the order of the calls. */
  async #inTurn(result: FunctionResult, options: CallOptions): Promise<FunctionResult> {
    return this.executor.other(() => {
      options.onCommit?.(result);
      return result;
    });
  }

  /** Runs an action to its end. */
  async action(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    const started = performance.now();
    const app = this.#app;
    const logLines: string[] = [];
    try {
      const fn = app.functions.find(path, "action", options.internal);
      const tableOf = (id: string): string | null => this.#transaction(false, 0n).tableOf(id);
      checkArguments(fn, args, tableOf);
      const host = new ActionHost(this, app, fn, caller, logLines);
      let outcome = await this.#bounded(app.actions.invoke(host, fn.module, fn.name, JSON.stringify([args])));
      host.end();
      if (outcome.ok) {
        try {
          checkReturn(fn, outcome.json, tableOf);
        } catch (error) {
          if (!(error instanceof FunctionFailedError)) throw error;
          outcome = { ok: false, failure: error.failure };
        }
      }
      this.#noteRun(fn, caller, started, outcome, logLines);
      return { outcome, logLines, ts: null };
    } catch (error) {
      if (error instanceof FunctionFailedError) return failedResult(error.failure, logLines);
      throw error;
    }
  }

  /** Runs a function of any kind. */
  any(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    if (isSystemPath(path)) return this.query(path, args, caller, options);
    let kind: FunctionKind;
    try {
      kind = this.#app.functions.find(path, null, options.internal).kind;
    } catch (error) {
      if (error instanceof FunctionFailedError) return Promise.resolve(failedResult(error.failure));
      throw error;
    }
    return this[kind](path, args, caller, options);
  }

  /** Runs the HTTP action that a request is routed to; null when no route matches. */
  async http(router: HttpRouter, request: Request, caller: Caller): Promise<Response | null> {
    const started = performance.now();
    const logLines: string[] = [];
    const host = new ActionHost(this, this.#app, null, caller, logLines);
    const outcome = await this.#app.actions.http(host, router, request);
    host.end();
    if (outcome === null) return null;
    this.functionLog.add({
      ...{ timestamp: this.now(), kind: "httpAction", requestId: caller.meta.requestId, logLines },
      path: `${request.method} ${new URL(request.url).pathname}`,
      durationMs: performance.now() - started,
      error: outcome.ok ? null : outcome.failure.message,
    });
    if (outcome.ok) return outcome.response;
    throw new FunctionFailedError(outcome.failure);
  }

  async runQuery(path: string, args: JSONValue, caller: Caller): Promise<Invocation> {
    return (await this.query(path, args, caller, { internal: true })).outcome;
  }

  async runMutation(path: string, args: JSONValue, caller: Caller): Promise<Invocation> {
    return (await this.mutation(path, args, caller, { internal: true })).outcome;
  }

  async runAction(path: string, args: JSONValue, caller: Caller): Promise<Invocation> {
    return (await this.action(path, args, caller, { internal: true })).outcome;
  }

  schedule(path: string, args: JSONValue, dueMs: number): Promise<string> {
    const fn = this.#app.functions.find(path, null, true);
    if (fn.kind === "query")
      throw new Error(`Only mutations and actions can be scheduled, and ${fn.path} is a query.`);
    return this.write((tx) => scheduleJob(tx, fn.path, args, dueMs, this.now()));
  }

  async cancel(jobId: string): Promise<void> {
    await this.write((tx) => cancelJob(tx, jobId));
  }

  /** Ends the backend: nothing new starts, what runs is waited for up to `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.functionLog.close();
    await this.scheduler.stop(graceMs);
    await this.executor.close();
    this.store.close();
  }

  #transaction(writable: boolean, commitTs: bigint): Transaction {
    return new Transaction({ store: this.store, schema: this.#app.schema, writable, commitTs });
  }

  #root(app: LoadedApp, tx: Transaction, caller: Caller, journal: string | null): TransactionRoot {
    return {
      ...{ app, tx, caller, journal, nextJournal: null, logLines: [], usedIdentity: false },
      now: this.now(),
      backendMs: 0,
      startedAt: performance.now(),
      userTimeoutMs: this.#options.userTimeoutMs,
      operations: this.#transactionExtras,
    };
  }

  #endOf<T>(tx: Transaction, commit: boolean, value: T): MutationEnd<T> {
    tx.close();
    return {
      ...{ commit, value, touched: tx.touched, scheduledJobs: tx.scheduledJobs },
      beforeCommit: () => tx.resolveCommitTimestamps(),
    };
  }

  #queryRoot(app: LoadedApp, caller: Caller, journal: string | null): TransactionRoot {
    const root = this.#root(app, this.#transaction(false, 0n), caller, journal);
    this.#lastQuery = root.tx;
    return root;
  }

  /** `guarded` says that nobody else watches how long the query takes. */
  #startQuery(
    root: TransactionRoot,
    fn: AppFunction,
    args: JSONValue,
    guarded: boolean,
  ): Invocation | Promise<Invocation> {
    const run = (): Invocation | Promise<Invocation> => callInTransaction(root, fn, args, 0);
    const outcome = guarded ? this.executor.guard(run, () => this.#late()) : run();
    if (outcome instanceof Promise) return outcome.finally(() => root.tx.close());
    root.tx.close();
    return outcome;
  }

  #late(): Invocation {
    return { ok: false, failure: plainFailure(timeoutMessage(this.#options.wallTimeoutMs)) };
  }

  #runSeries(
    requests: readonly QueryRequest[],
    ended: (i: number, run: QueryRun | Promise<QueryRun>) => void,
  ): number {
    let at = 0;
    let waits = false;
    this.executor.steps(
      () => {
        if (waits || at === requests.length) return false;
        const run = this.#runLive(requests[at]!, false);
        ended(at++, run);
        waits = run instanceof Promise;
        return !waits;
      },
      () => {
        // What it has read until then decides when it is tried again.
        const tx = this.#lastQuery ?? this.#transaction(false, 0n);
        tx.close();
        const run = {
          outcome: this.#late(),
          logLines: [],
          journal: null,
          reads: tx.reads,
          usedIdentity: true,
        };
        ended(at++, run);
      },
    );
    return at;
  }

  /** `guarded` says that nobody else watches how long the query takes. */
  #runLive(request: QueryRequest, guarded: boolean): QueryRun | Promise<QueryRun> {
    const none = { logLines: [], journal: null, usedIdentity: false };
    if (isSystemPath(request.path)) {
      return { ...none, ...this.#answerSystem(request.path, request.args, request.identity) };
    }
    const caller: Caller = { identity: request.identity, meta: internalRequest() };
    const started = performance.now();
    let fn: AppFunction;
    try {
      fn = this.#app.functions.find(request.path, "query", request.identity.kind === "admin");
    } catch (error) {
      if (!(error instanceof FunctionFailedError)) throw error;
      const { reads } = this.#transaction(false, 0n);
      return { ...none, outcome: { ok: false, failure: error.failure }, reads };
    }
    const root = this.#queryRoot(this.#app, caller, request.journal);
    const outcome = this.#startQuery(root, fn, request.args, guarded);
    const toRun = (invocation: Invocation): QueryRun => {
      this.#noteRun(fn, caller, started, invocation, root.logLines);
      return {
        ...{ outcome: invocation, logLines: root.logLines, journal: root.nextJournal },
        ...{ reads: root.tx.reads, usedIdentity: root.usedIdentity },
      };
    };
    return outcome instanceof Promise ? outcome.then(toRun) : toRun(outcome);
  }

  #answerSystem(path: string, args: JSONValue, identity: Identity): Pick<QueryRun, "outcome" | "reads"> {
    const tx = this.#transaction(false, 0n);
    this.#lastQuery = tx;
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

  async #runScheduledMutation(id: string): Promise<void> {
    const caller: Caller = { identity: NOBODY, meta: internalRequest(id) };
    const failure = { error: null as string | null };
    const finish = (tx: Transaction, invocation: Invocation): MutationEnd<void> => {
      const error = invocation.ok ? null : invocation.failure.message;
      setJobState(tx, id, error === null ? { kind: "success" } : { kind: "failed", error }, this.now());
      return this.#endOf(tx, true, undefined);
    };
    await this.executor.mutation<void>(
      (ts) => {
        const tx = this.#transaction(true, ts);
        const job = readJob(tx, id);
        if (job === null || job.state.kind !== "pending") return this.#endOf(tx, true, undefined);
        const started = performance.now();
        let fn: AppFunction;
        try {
          fn = this.#app.functions.find(job.path, "mutation", true);
        } catch (error) {
          if (!(error instanceof FunctionFailedError)) throw error;
          return finish(tx, { ok: false, failure: error.failure });
        }
        const root = this.#root(this.#app, tx, caller, null);
        const savepoint = tx.savepoint();
        const settle = (invocation: Invocation): MutationEnd<void> => {
          if (invocation.ok) savepoint.release();
          else savepoint.undo();
          this.#noteRun(fn, caller, started, invocation, root.logLines);
          return finish(tx, invocation);
        };
        const outcome = callInTransaction(root, fn, job.args, 0);
        return outcome instanceof Promise ? outcome.then(settle) : settle(outcome);
      },
      () => {
        failure.error = timeoutMessage(this.#options.wallTimeoutMs);
        return { commit: false, value: undefined, touched: [], scheduledJobs: false };
      },
    );
    if (failure.error === null) return;
    const { error } = failure;
    await this.write((tx) => setJobState(tx, id, { kind: "failed", error }, this.now()));
  }

  async #runScheduledAction(id: string, path: string, args: JSONValue): Promise<{ error: string | null }> {
    const caller: Caller = { identity: NOBODY, meta: internalRequest(id) };
    try {
      const { outcome } = await this.action(path, args, caller, { internal: true });
      return { error: outcome.ok ? null : outcome.failure.message };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  async #bounded(running: Promise<Invocation>): Promise<Invocation> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Invocation>((resolve) => {
      const failure = plainFailure(timeoutMessage(this.#options.actionTimeoutMs));
      timer = setTimeout(() => resolve({ ok: false, failure }), this.#options.actionTimeoutMs);
    });
    try {
      return await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #noteRun(
    fn: AppFunction,
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

  #recall({ sessionId, requestId }: { sessionId: string; requestId: number }): FunctionResult | null {
    const row = this.store.driver
      .prepare("SELECT response FROM requests WHERE session = ? AND request = ?")
      .get(sessionId, requestId);
    if (row === undefined) return null;
    const { json, logLines, ts } = JSON.parse(row["response"] as string) as {
      json: string;
      logLines: string[];
      ts: string;
    };
    return { outcome: { ok: true, json }, logLines, ts: BigInt(ts) };
  }

  #remember(
    { sessionId, requestId }: { sessionId: string; requestId: number },
    result: FunctionResult,
  ): void {
    if (!result.outcome.ok || result.ts === null) return;
    const response = JSON.stringify({
      json: result.outcome.json,
      logLines: result.logLines,
      ts: result.ts.toString(),
    });
    this.store.driver
      .prepare("INSERT INTO requests(session, request, response, at) VALUES(?, ?, ?, ?)")
      .run(sessionId, requestId, response, this.now());
  }
}

/** A mutation may return its commit timestamp, which has a value only now. */
function resolveResult(invocation: Invocation, ts: bigint): Invocation {
  if (!invocation.ok || !mentionsCommitTs(invocation.json)) return invocation;
  const value = resolveCommitTs(jsonToConvex(JSON.parse(invocation.json) as JSONValue), ts);
  return { ok: true, json: JSON.stringify(convexToJson(value)) };
}

/** The backend itself: runs functions for whoever calls (HTTP, WebSocket, actions, the scheduler) on one database. */
import type { JSONValue } from "convex/values";
import { LiveQueries } from "../live/liveQueries.ts";
import type { Logger } from "../log.ts";
import type { Store } from "../storage/store.ts";
import type { ActionBackend, ActionHost } from "./actionHost.ts";
import { ActionRuns } from "./actionRuns.ts";
import type { HttpRouter } from "./actions.ts";
import type { LoadedApp } from "./app.ts";
import { FunctionFailedError } from "./errors.ts";
import type { Executor, ExecutorHooks } from "./executor.ts";
import type { FunctionLog } from "./functionLog.ts";
import { failedResult, type CallOptions, type FunctionResult } from "./functionResult.ts";
import type { FunctionKind } from "./functions.ts";
import { MutationRuns } from "./mutationRuns.ts";
import { QueryRuns } from "./queryRuns.ts";
import type { Invocation } from "./realm.ts";
import type { Caller } from "./request.ts";
import { RunContext, type RunOptions } from "./runContext.ts";
import { cancelJob, scheduleJob } from "./scheduledFunctions.ts";
import { Scheduler } from "./scheduler.ts";
import { isSystemPath, type SystemQueries } from "./systemQueries.ts";
import type { Transaction } from "./transaction.ts";
import type { TransactionOperations } from "./transactionCall.ts";

export interface BackendOptions extends RunOptions {
  readonly log: Logger;
}

type Operation = (host: ActionHost, args: unknown) => Promise<string>;
type JsOperation = (host: ActionHost, args: Record<string, unknown>) => Promise<unknown>;

export class Backend implements ActionBackend {
  readonly live: LiveQueries;
  readonly scheduler: Scheduler;
  readonly log: Logger;
  readonly #context: RunContext;
  readonly #queries: QueryRuns;
  readonly #mutations: MutationRuns;
  readonly #actions: ActionRuns;
  readonly #afterChange = new Set<() => void>();
  readonly #extras = new Map<string, Operation>();
  readonly #jsExtras = new Map<string, JsOperation>();

  constructor(options: BackendOptions) {
    this.log = options.log;
    this.#context = new RunContext(options, this.#hooks());
    this.#queries = new QueryRuns(this.#context);
    this.#mutations = new MutationRuns(this.#context);
    this.#actions = new ActionRuns(this.#context, this);
    this.live = new LiveQueries({
      one: (request) => this.#queries.live(request, true),
      series: (requests, ended) => this.#queries.series(requests, ended),
    });
    this.scheduler = new Scheduler(
      {
        store: this.store,
        kindOf: (path) =>
          this.app.functions.has(path) ? this.app.functions.find(path, null, true).kind : null,
        write: (work) => this.write(work),
        read: (work) => this.executor.other(work),
        runScheduledMutation: (id) => this.#mutations.scheduled(id),
        runScheduledAction: (id, path, args) => this.#actions.scheduled(id, path, args),
      },
      options.now,
      options.log,
    );
  }

  get app(): LoadedApp {
    return this.#context.app;
  }

  get store(): Store {
    return this.#context.store;
  }

  get executor(): Executor {
    return this.#context.executor;
  }

  get functionLog(): FunctionLog {
    return this.#context.functionLog;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#context.now();
  }

  /** Calls `tell` after each job that may have changed live queries, still inside the executor. */
  onChange(tell: () => void): () => void {
    this.#afterChange.add(tell);
    return () => this.#afterChange.delete(tell);
  }

  /** Adds an operation for actions (a JSON answer), for parts such as file storage and vector search. */
  addActionOperation(op: string, handler: Operation): void {
    this.#extras.set(op, handler);
  }

  addActionJsOperation(op: string, handler: JsOperation): void {
    this.#jsExtras.set(op, handler);
  }

  /** Adds queries that only administrators can ask. */
  addSystemQueries(queries: SystemQueries): void {
    this.#queries.addSystemQueries(queries);
  }

  /** Adds operations for queries and mutations. */
  addTransactionOperations(operations: TransactionOperations): void {
    this.#context.addOperations(operations);
  }

  extra(op: string): Operation | null {
    return this.#extras.get(op) ?? null;
  }

  extraJs(op: string): JsOperation | null {
    return this.#jsExtras.get(op) ?? null;
  }

  /** Replaces the app; `apply` changes the database and must be all or nothing. */
  replaceApp<T>(app: LoadedApp, apply: () => T): Promise<T> {
    return this.executor.other(() => {
      const result = apply();
      this.#context.app = app;
      this.live.invalidateAll();
      this.scheduler.poke();
      return result;
    });
  }

  /** Runs the backend's own code in a write transaction, without functions. */
  write<T>(work: (tx: Transaction) => T): Promise<T> {
    return this.#mutations.write(work);
  }

  /** Runs the backend's own code that only reads, between transactions. */
  read<T>(work: (tx: Transaction) => T): Promise<T> {
    return this.executor.other(() => work(this.#context.reading()));
  }

  /** Runs a query once; in `app`, when that is another one than the current one. */
  query(
    path: string,
    args: JSONValue,
    caller: Caller,
    options: CallOptions,
    app: LoadedApp | null = null,
  ): Promise<FunctionResult> {
    return this.#queries.once(path, args, caller, options, app);
  }

  /** Runs a mutation; resolves when it is durable and live queries show it. */
  mutation(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    return this.#mutations.once(path, args, caller, options);
  }

  /** Runs an action to its end. */
  action(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    return this.#actions.once(path, args, caller, options);
  }

  /** Runs a function of any kind. */
  any(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    if (isSystemPath(path)) return this.query(path, args, caller, options);
    let kind: FunctionKind;
    try {
      kind = this.app.functions.find(path, null, options.internal).kind;
    } catch (error) {
      if (error instanceof FunctionFailedError) return Promise.resolve(failedResult(error.failure));
      throw error;
    }
    return this[kind](path, args, caller, options);
  }

  /** Runs the HTTP action that a request is routed to; null when no route matches. */
  http(router: HttpRouter, request: Request, caller: Caller): Promise<Response | null> {
    return this.#actions.http(router, request, caller);
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
    const fn = this.app.functions.find(path, null, true);
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

  #hooks(): ExecutorHooks {
    const refresh = async (): Promise<void> => {
      if (this.live.hasDirty) await this.live.refresh();
      for (const tell of this.#afterChange) tell();
    };
    return {
      afterCommit: async (touched, scheduledJobs) => {
        this.live.invalidate(touched);
        await refresh();
        if (scheduledJobs) this.scheduler.poke();
      },
      afterOther: refresh,
      interrupted: () => this.app.realms.discardAll(),
    };
  }
}

/** Runs what writes: mutations for a caller, mutations that are due, and the backend's own code. */
import type { JSONValue } from "convex/values";
import { convexToJson, jsonToConvex } from "convex/values";
import { NOBODY } from "../auth/identity.ts";
import { mentionsCommitTs, resolveCommitTs } from "../values/commitTs.ts";
import { recallAnswer, rememberAnswer } from "./answeredRequests.ts";
import { FunctionFailedError } from "./errors.ts";
import type { MutationEnd } from "./executor.ts";
import { failedResult, type CallOptions, type FunctionResult } from "./functionResult.ts";
import type { AppFunction } from "./functions.ts";
import { timeoutMessage, type Invocation } from "./realm.ts";
import { internalRequest, type Caller } from "./request.ts";
import { nothingCommitted, type RunContext } from "./runContext.ts";
import { readJob, setJobState } from "./scheduledFunctions.ts";
import type { Transaction } from "./transaction.ts";
import { callInTransaction, type TransactionRoot } from "./transactionCall.ts";

export class MutationRuns {
  readonly #context: RunContext;

  constructor(context: RunContext) {
    this.#context = context;
  }

  /** Runs a mutation; resolves when it is durable and live queries show it. */
  async once(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    const context = this.#context;
    let fn: AppFunction;
    try {
      fn = context.app.functions.find(path, "mutation", options.internal);
    } catch (error) {
      if (error instanceof FunctionFailedError) return this.#inTurn(failedResult(error.failure), options);
      throw error;
    }
    const started = performance.now();
    let root: TransactionRoot | null = null;
    const toEnd = (invocation: Invocation, ts: bigint): MutationEnd<FunctionResult> => {
      const { tx, logLines } = root!;
      context.note(fn, caller, started, invocation, logLines);
      const outcome = resolveResult(invocation, ts);
      const result: FunctionResult = { outcome, logLines, ts: outcome.ok ? ts : null };
      if (options.request !== undefined)
        rememberAnswer(context.store, options.request, result, context.now());
      return context.endOf(tx, outcome.ok, result);
    };
    const committed = await context.executor.mutation<FunctionResult>(
      (ts) => {
        const known = options.request === undefined ? null : recallAnswer(context.store, options.request);
        if (known !== null) return nothingCommitted(known);
        root = context.root(context.app, context.writing(ts), caller, null);
        const outcome = callInTransaction(root, fn, args, 0);
        return outcome instanceof Promise ? outcome.then((end) => toEnd(end, ts)) : toEnd(outcome, ts);
      },
      () => {
        root?.tx.close();
        const outcome = context.late();
        const logLines = root?.logLines ?? [];
        context.note(fn, caller, started, outcome, logLines);
        return nothingCommitted<FunctionResult>({ outcome, logLines, ts: null });
      },
      (result) => options.onCommit?.(result),
    );
    return committed.value;
  }

  /** Runs the mutation of the job `id`, and notes its end in the same transaction. */
  async scheduled(id: string): Promise<void> {
    const context = this.#context;
    const caller: Caller = { identity: NOBODY, meta: internalRequest(id) };
    const failure = { error: null as string | null };
    const finish = (tx: Transaction, invocation: Invocation): MutationEnd<void> => {
      const error = invocation.ok ? null : invocation.failure.message;
      setJobState(tx, id, error === null ? { kind: "success" } : { kind: "failed", error }, context.now());
      return context.endOf(tx, true, undefined);
    };
    await context.executor.mutation<void>(
      (ts) => {
        const tx = context.writing(ts);
        const job = readJob(tx, id);
        if (job === null || job.state.kind !== "pending") return context.endOf(tx, true, undefined);
        const started = performance.now();
        let fn: AppFunction;
        try {
          fn = context.app.functions.find(job.path, "mutation", true);
        } catch (error) {
          if (!(error instanceof FunctionFailedError)) throw error;
          return finish(tx, { ok: false, failure: error.failure });
        }
        const root = context.root(context.app, tx, caller, null);
        const savepoint = tx.savepoint();
        const settle = (invocation: Invocation): MutationEnd<void> => {
          if (invocation.ok) savepoint.release();
          else savepoint.undo();
          context.note(fn, caller, started, invocation, root.logLines);
          return finish(tx, invocation);
        };
        const outcome = callInTransaction(root, fn, job.args, 0);
        return outcome instanceof Promise ? outcome.then(settle) : settle(outcome);
      },
      () => {
        failure.error = timeoutMessage(context.options.wallTimeoutMs);
        return nothingCommitted(undefined);
      },
    );
    if (failure.error === null) return;
    const { error } = failure;
    await this.write((tx) => setJobState(tx, id, { kind: "failed", error }, context.now()));
  }

  /** Runs the backend's own code in a write transaction, without functions. */
  async write<T>(work: (tx: Transaction) => T): Promise<T> {
    const committed = await this.#context.executor.mutation<{ value: T } | { error: unknown }>(
      (ts) => {
        const tx = this.#context.writing(ts);
        try {
          return this.#context.endOf(tx, true, { value: work(tx) });
        } catch (error) {
          return this.#context.endOf(tx, false, { error });
        }
      },
      () => nothingCommitted({ error: new Error("interrupted") }),
    );
    if ("error" in committed.value) throw committed.value.error;
    return committed.value.value;
  }

  /** Answers a call that fails before it runs, but in its turn, so that answers keep the order of the calls. */
  #inTurn(result: FunctionResult, options: CallOptions): Promise<FunctionResult> {
    return this.#context.executor.other(() => {
      options.onCommit?.(result);
      return result;
    });
  }
}

/** A mutation may return its commit timestamp, which has a value only now. */
function resolveResult(invocation: Invocation, ts: bigint): Invocation {
  if (!invocation.ok || !mentionsCommitTs(invocation.json)) return invocation;
  const value = resolveCommitTs(jsonToConvex(JSON.parse(invocation.json) as JSONValue), ts);
  return { ok: true, json: JSON.stringify(convexToJson(value)) };
}

/** Runs actions: for a caller, those that are due, and HTTP actions. They are in no transaction and in nobody's turn. */
import type { JSONValue } from "convex/values";
import { NOBODY } from "../auth/identity.ts";
import { ActionHost, type ActionBackend } from "./actionHost.ts";
import type { HttpRouter } from "./actions.ts";
import { FunctionFailedError, plainFailure } from "./errors.ts";
import { failedResult, type CallOptions, type FunctionResult } from "./functionResult.ts";
import { checkArguments, checkReturn } from "./functions.ts";
import { timeoutMessage, type Invocation } from "./realm.ts";
import { internalRequest, type Caller } from "./request.ts";
import type { RunContext } from "./runContext.ts";

export class ActionRuns {
  readonly #context: RunContext;
  readonly #backend: ActionBackend;

  /** @param backend what a running action reaches */
  constructor(context: RunContext, backend: ActionBackend) {
    this.#context = context;
    this.#backend = backend;
  }

  /** Runs an action to its end. */
  async once(path: string, args: JSONValue, caller: Caller, options: CallOptions): Promise<FunctionResult> {
    const started = performance.now();
    const { app } = this.#context;
    const logLines: string[] = [];
    try {
      const fn = app.functions.find(path, "action", options.internal);
      const tableOf = (id: string): string | null => this.#context.reading().tableOf(id);
      checkArguments(fn, args, tableOf);
      const host = new ActionHost(this.#backend, app, fn, caller, logLines);
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
      this.#context.note(fn, caller, started, outcome, logLines);
      return { outcome, logLines, ts: null };
    } catch (error) {
      if (error instanceof FunctionFailedError) return failedResult(error.failure, logLines);
      throw error;
    }
  }

  /** Runs the action of the job `id`. */
  async scheduled(id: string, path: string, args: JSONValue): Promise<{ error: string | null }> {
    const caller: Caller = { identity: NOBODY, meta: internalRequest(id) };
    try {
      const { outcome } = await this.once(path, args, caller, { internal: true });
      return { error: outcome.ok ? null : outcome.failure.message };
    } catch (error) {
      return { error: (error as Error).message };
    }
  }

  /** Runs the HTTP action that a request is routed to; null when no route matches. */
  async http(router: HttpRouter, request: Request, caller: Caller): Promise<Response | null> {
    const started = performance.now();
    const logLines: string[] = [];
    const { app } = this.#context;
    const host = new ActionHost(this.#backend, app, null, caller, logLines);
    const outcome = await app.actions.http(host, router, request);
    host.end();
    if (outcome === null) return null;
    this.#context.functionLog.add({
      ...{ timestamp: this.#context.now(), kind: "httpAction", requestId: caller.meta.requestId, logLines },
      path: `${request.method} ${new URL(request.url).pathname}`,
      durationMs: performance.now() - started,
      error: outcome.ok ? null : outcome.failure.message,
    });
    if (outcome.ok) return outcome.response;
    throw new FunctionFailedError(outcome.failure);
  }

  async #bounded(running: Promise<Invocation>): Promise<Invocation> {
    const { actionTimeoutMs } = this.#context.options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Invocation>((resolve) => {
      const failure = plainFailure(timeoutMessage(actionTimeoutMs));
      timer = setTimeout(() => resolve({ ok: false, failure }), actionTimeoutMs);
    });
    try {
      return await Promise.race([running, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

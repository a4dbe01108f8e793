/** The operations that a running action asks of the backend. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import { attributesOf } from "../auth/identity.ts";
import { pathOf, toHandle, vAddress } from "./address.ts";
import type { LoadedApp } from "./app.ts";
import { FunctionFailedError } from "./errors.ts";
import { canonicalPath, type AppFunction } from "./functions.ts";
import type { Answer, Invocation } from "./realm.ts";
import { requestMetadata, type Caller } from "./request.ts";

/** What actions need of the backend. */
export interface ActionBackend {
  runQuery(path: string, args: JSONValue, caller: Caller): Promise<Invocation>;
  runMutation(path: string, args: JSONValue, caller: Caller): Promise<Invocation>;
  runAction(path: string, args: JSONValue, caller: Caller): Promise<Invocation>;
  schedule(path: string, args: JSONValue, dueMs: number): Promise<string>;
  cancel(jobId: string): Promise<void>;
  /** Operations of other parts (files, vectors) by name; null for a part this backend does not have. */
  extra(op: string): ((host: ActionHost, args: unknown) => Promise<string>) | null;
  extraJs(op: string): ((host: ActionHost, args: Record<string, unknown>) => Promise<unknown>) | null;
}

const vJson = z.custom<JSONValue>((value) => value !== undefined);
const vCall = vAddress.extend({ args: vJson });
const vSchedule = vAddress.extend({ ts: z.number(), args: vJson });

const fromInvocation = (invocation: Invocation): Answer =>
  invocation.ok ? invocation.json : invocation.failure;

type Handler = (host: ActionHost, args: unknown) => Promise<Answer>;

export class ActionHost {
  readonly #logLines: string[];
  #ended = false;

  constructor(
    readonly backend: ActionBackend,
    readonly app: LoadedApp,
    readonly fn: Pick<AppFunction, "path" | "kind"> | null,
    readonly caller: Caller,
    logLines: string[],
  ) {
    this.#logLines = logLines;
  }

  log(level: string, text: string): void {
    if (!this.#ended) this.#logLines.push(`[${level}] ${text}`);
  }

  /** From now on nothing that the action has left running reaches the backend. */
  end(): void {
    this.#ended = true;
  }

  async asyncSyscall(op: string, args: string): Promise<Answer> {
    try {
      this.#assertOpen();
      const handler = Object.hasOwn(operations, op) ? operations[op] : undefined;
      if (handler !== undefined) return await handler(this, JSON.parse(args));
      const extra = this.backend.extra(op);
      if (extra === null)
        throw new Error(`Unknown operation ${op}: this backend does not support it in actions.`);
      return await extra(this, JSON.parse(args));
    } catch (error) {
      if (error instanceof FunctionFailedError) return error.failure;
      if (error instanceof z.ZodError) return { message: `Malformed operation: ${z.prettifyError(error)}` };
      return { message: (error as Error).message };
    }
  }

  async jsSyscall(op: string, args: Record<string, unknown>): Promise<unknown> {
    this.#assertOpen();
    const extra = this.backend.extraJs(op);
    if (extra === null)
      throw new Error(`Unknown operation ${op}: this backend does not support it in actions.`);
    return await extra(this, args);
  }

  #assertOpen(): void {
    if (this.#ended) {
      throw new Error(
        "This action has already ended, so it cannot reach the backend any more. Did you forget to `await`?",
      );
    }
  }
}

const operations: Record<string, Handler> = {
  "1.0/actions/query": async (host, args) => {
    const { args: given, ...address } = vCall.parse(args);
    return fromInvocation(await host.backend.runQuery(pathOf(address), given, host.caller));
  },
  "1.0/actions/mutation": async (host, args) => {
    const { args: given, ...address } = vCall.parse(args);
    return fromInvocation(await host.backend.runMutation(pathOf(address), given, host.caller));
  },
  "1.0/actions/action": async (host, args) => {
    const { args: given, ...address } = vCall.parse(args);
    return fromInvocation(await host.backend.runAction(pathOf(address), given, host.caller));
  },
  "1.0/actions/schedule": async (host, args) => {
    const { ts, args: given, ...address } = vSchedule.parse(args);
    const path = canonicalPath(pathOf(address));
    return JSON.stringify(await host.backend.schedule(path, given, ts * 1_000));
  },
  "1.0/actions/cancel_job": async (host, args) => {
    await host.backend.cancel(z.object({ id: z.string() }).parse(args).id);
    return "{}";
  },
  "1.0/getUserIdentity": (host) => Promise.resolve(JSON.stringify(attributesOf(host.caller.identity))),
  "1.0/createFunctionHandle": (host, args) => {
    const fn = host.app.functions.find(pathOf(vAddress.parse(args)), null, true);
    return Promise.resolve(JSON.stringify(toHandle(fn.path)));
  },
  "1.0/getFunctionMetadata": (host) =>
    Promise.resolve(
      JSON.stringify({ name: (host.fn?.path ?? "http.js:default").replace(".js:", ":"), componentPath: "" }),
    ),
  "1.0/getDeploymentMetadata": (host) => Promise.resolve(JSON.stringify(host.app.deployment)),
  "1.0/getRequestMetadata": (host) => Promise.resolve(JSON.stringify(requestMetadata(host.caller))),
};

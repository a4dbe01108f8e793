/** The operations that a running query or mutation asks of the backend (`Convex.syscall` and `Convex.asyncSyscall`). */
import { convexToJson, type JSONValue } from "convex/values";
import * as z from "zod";
import { attributesOf } from "../auth/identity.ts";
import { tableNumberOf } from "../values/ids.ts";
import { pathOf, toHandle, vAddress } from "./address.ts";
import { FunctionFailedError, type Failure } from "./errors.ts";
import { canonicalPath, type AppFunction } from "./functions.ts";
import { pageToJson, readPage, vPageRequest } from "./paginate.ts";
import { openQuery, vQuery, type Pipeline } from "./query.ts";
import type { Answer, Invocation, RealmHost } from "./realm.ts";
import { requestMetadata } from "./request.ts";
import { cancelJob, scheduleJob } from "./scheduledFunctions.ts";
import { isSystemTable } from "./transaction.ts";
import { assertWithinTime, callNested, type TransactionRoot } from "./transactionCall.ts";

const vJson = z.custom<JSONValue>((value) => value !== undefined);
const vQueryId = z.object({ queryId: z.number() });
const vGet = z.object({
  id: z.unknown(),
  isSystem: z.boolean().default(false),
  table: z.string().optional(),
});
const vInsert = z.object({ table: z.string(), value: vJson });
const vChange = z.object({ id: z.unknown(), value: vJson, table: z.string().optional() });
const vRemove = z.object({ id: z.unknown(), table: z.string().optional() });
const vNormalize = z.object({ table: z.string(), idString: z.string() });
const vRunUdf = vAddress.extend({
  udfType: z.enum(["query", "mutation", "snapshotQuery"]),
  args: vJson,
  transactionLimits: z.record(z.string(), z.number()).optional(),
});
const vSchedule = vAddress.extend({ ts: z.number(), args: vJson });

type Handler = (host: TransactionHost, args: unknown) => Answer | Promise<Answer>;

const NULL = "null";

export class TransactionHost implements RealmHost {
  readonly root: TransactionRoot;
  readonly fn: AppFunction;
  readonly depth: number;
  readonly #streams = new Map<number, Pipeline>();
  #nextStream = 1;
  #ended = false;
  #paginated = false;
  /** Set while a nested call waits for something outside: later calls of this function wait for it. */
  #busy: Promise<unknown> | null = null;

  constructor(root: TransactionRoot, fn: AppFunction, depth: number) {
    this.root = root;
    this.fn = fn;
    this.depth = depth;
  }

  now(): number {
    return this.root.now;
  }

  ended(): void {
    this.#ended = true;
  }

  log(level: string, text: string): void {
    this.root.logLines.push(`[${level}] ${text}`);
  }

  /** Settles when the nested calls that were not awaited have ended; null when there are none. */
  unfinishedChildren(): Promise<unknown> | null {
    return this.#busy;
  }

  syscall(op: string, args: string): Answer {
    const answer = this.#perform(syncOperations, op, args, true);
    if (answer instanceof Promise) throw new Error(`${op} answered later`);
    return answer;
  }

  asyncSyscall(op: string, args: string): Answer | Promise<Answer> {
    if (this.#busy === null) return this.#perform(asyncOperations, op, args, false);
    return this.#hold(this.#busy.then(() => this.#perform(asyncOperations, op, args, true)));
  }

  /** Makes later operations wait for this one. */
  #hold<T>(work: Promise<T>): Promise<T> {
    const held: Promise<unknown> = work
      .catch(() => {})
      .then(() => {
        if (this.#busy === held) this.#busy = null;
      });
    this.#busy = held;
    return work;
  }

  /** `held` says that later operations already wait for this one. */
  #perform(
    operations: Record<string, Handler>,
    op: string,
    args: string,
    held: boolean,
  ): Answer | Promise<Answer> {
    const started = performance.now();
    const before = this.root.backendMs;
    try {
      if (this.#ended) {
        throw new Error(
          "This function has already ended, so it cannot use the database any more. Did you forget to `await`?",
        );
      }
      assertWithinTime(this.root);
      const handler = Object.hasOwn(operations, op) ? operations[op] : this.#otherPart(op);
      if (handler === undefined)
        throw new Error(`Unknown operation ${op}: this backend does not support it here.`);
      const answer = handler(this, JSON.parse(args));
      if (!(answer instanceof Promise)) return answer;
      const settled = answer.catch(toAnswer);
      return held ? settled : this.#hold(settled);
    } catch (error) {
      return toAnswer(error);
    } finally {
      // A nested function's own time is not the backend's: only what it did not already add is added here.
      const nested = this.root.backendMs - before;
      if (!isCall(op)) this.root.backendMs += performance.now() - started - nested;
    }
  }

  /** An operation that another part (files) has added. */
  #otherPart(op: string): Handler | undefined {
    const { operations, tx, now } = this.root;
    if (!Object.hasOwn(operations, op)) return undefined;
    return (_host, args) => operations[op]!(tx, now, args);
  }

  openStream(query: unknown): number {
    const id = this.#nextStream++;
    this.#streams.set(id, openQuery(this.root.tx, vQuery.parse(query)));
    return id;
  }

  stream(id: number): Pipeline {
    const pipeline = this.#streams.get(id);
    if (pipeline === undefined) throw new Error(`There is no query ${id}`);
    return pipeline;
  }

  closeStream(id: number): void {
    this.#streams.delete(id);
  }

  markPaginated(): void {
    if (this.#paginated) {
      throw new Error(
        "This query or mutation function ran multiple paginated queries. " +
          "Convex only supports a single paginated query in each function.",
      );
    }
    this.#paginated = true;
  }

  call(path: string, kind: "query" | "mutation", args: JSONValue): Invocation | Promise<Invocation> {
    const fn = this.root.app.functions.find(path, kind, true);
    if (kind === "mutation") this.root.tx.assertWritable();
    return callNested(this.root, fn, args, this.depth + 1);
  }
}

const isCall = (op: string): boolean => op === "1.0/runUdf";

/** A thrown value as an answer; mistakes in the backend itself keep their text, which names no secret. */
function toAnswer(error: unknown): Failure {
  if (error instanceof FunctionFailedError) return error.failure;
  if (error instanceof z.ZodError) return { message: `Malformed operation: ${z.prettifyError(error)}` };
  return { message: (error as Error).message };
}

const fromInvocation = (invocation: Invocation): Answer =>
  invocation.ok ? invocation.json : invocation.failure;

const syncOperations: Record<string, Handler> = {
  "1.0/queryStream": (host, args) => `{"queryId":${host.openStream((args as { query: unknown }).query)}}`,
  "1.0/queryCleanup": (host, args) => {
    host.closeStream(vQueryId.parse(args).queryId);
    return "{}";
  },
  "1.0/db/normalizeId": (host, args) => {
    const { table, idString } = vNormalize.parse(args);
    const num = tableNumberOf(idString);
    const matches = num !== null && host.root.tx.table(table)?.num === num;
    return JSON.stringify({ id: matches ? idString : null });
  },
  "1.0/getSnapshotTs": (host) => JSON.stringify(convexToJson(host.root.tx.store.lastTs())),
};

const asyncOperations: Record<string, Handler> = {
  "1.0/queryStreamNext": (host, args) => {
    const row = host.stream(vQueryId.parse(args).queryId).next();
    return row === null ? '{"value":null,"done":true}' : `{"value":${row.json},"done":false}`;
  },
  "1.0/queryPage": (host, args) => {
    host.markPaginated();
    const { tx, journal } = host.root;
    const request = vPageRequest.parse(args);
    const endCursor = request.endCursor ?? (host.depth === 0 ? journal : null);
    const page = readPage(tx, { ...request, endCursor });
    if (host.depth === 0) host.root.nextJournal = page.continueCursor;
    return pageToJson(page);
  },
  "1.0/get": (host, args) => {
    const { id, isSystem, table: expected } = vGet.parse(args);
    const found = host.root.tx.locate("get", id, expected);
    if (found.table === null) return NULL;
    if (isSystemTable(found.table.name) !== isSystem) {
      throw new Error(
        `${isSystem ? "User" : "System"} tables can only be accessed from db.${isSystem ? "" : "system."}get().`,
      );
    }
    return host.root.tx.get(found.table, found.id) ?? NULL;
  },
  "1.0/insert": (host, args) => {
    const { table, value } = vInsert.parse(args);
    return JSON.stringify({ _id: host.root.tx.insert(table, value) });
  },
  "1.0/shallowMerge": (host, args) => {
    const { id, value, table: expected } = vChange.parse(args);
    const found = host.root.tx.locate("patch", id, expected);
    host.root.tx.patch(found.table, found.id, value);
    return "{}";
  },
  "1.0/replace": (host, args) => {
    const { id, value, table: expected } = vChange.parse(args);
    const found = host.root.tx.locate("replace", id, expected);
    host.root.tx.replace(found.table, found.id, value);
    return "{}";
  },
  "1.0/remove": (host, args) => {
    const { id, table: expected } = vRemove.parse(args);
    const found = host.root.tx.locate("delete", id, expected);
    host.root.tx.remove(found.table, found.id);
    return "{}";
  },
  "1.0/count": (host, args) => String(host.root.tx.count(z.object({ table: z.string() }).parse(args).table)),
  "1.0/runUdf": (host, args) => {
    const { udfType, args: given, transactionLimits, ...address } = vRunUdf.parse(args);
    const leave = host.root.tx.limits.enter(transactionLimits ?? {});
    const kind = udfType === "mutation" ? "mutation" : "query";
    try {
      const outcome = host.call(pathOf(address), kind, given);
      if (!(outcome instanceof Promise)) return fromInvocation(outcome);
      return outcome.then(fromInvocation);
    } finally {
      leave();
    }
  },
  "1.0/schedule": (host, args) => {
    const { ts, args: given, ...address } = vSchedule.parse(args);
    host.root.tx.assertWritable();
    const path = canonicalPath(pathOf(address));
    const fn = host.root.app.functions.find(path, null, true);
    if (fn.kind === "query")
      throw new Error(`Only mutations and actions can be scheduled, and ${fn.path} is a query.`);
    return JSON.stringify(scheduleJob(host.root.tx, fn.path, given, ts * 1_000, host.root.now));
  },
  "1.0/cancel_job": (host, args) => {
    host.root.tx.assertWritable();
    cancelJob(host.root.tx, z.object({ id: z.string() }).parse(args).id);
    return "{}";
  },
  "1.0/getUserIdentity": (host) => {
    host.root.usedIdentity = true;
    return JSON.stringify(attributesOf(host.root.caller.identity));
  },
  "1.0/createFunctionHandle": (host, args) => {
    const fn = host.root.app.functions.find(pathOf(vAddress.parse(args)), null, true);
    return JSON.stringify(toHandle(fn.path));
  },
  "1.0/getFunctionMetadata": (host) =>
    JSON.stringify({ name: host.fn.path.replace(".js:", ":"), componentPath: "" }),
  "1.0/getTransactionMetrics": (host) => JSON.stringify(host.root.tx.limits.report()),
  "1.0/getDeploymentMetadata": (host) => JSON.stringify(host.root.app.deployment),
  "1.0/getRequestMetadata": (host) => {
    if (host.fn.kind === "query") throw new Error("getRequestMetadata() is not available in queries.");
    return JSON.stringify(requestMetadata(host.root.caller));
  },
};

/** The HTTP API for functions: `/api/query`, `/api/mutation`, `/api/action`, `/api/function`, `/api/run/<path>`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import * as z from "zod";
import { isAdmin } from "../auth/identity.ts";
import type { Backend } from "../runtime/backend.ts";
import type { FunctionResult } from "../runtime/functionResult.ts";
import { plainFailure } from "../runtime/errors.ts";
import type { Caller } from "../runtime/request.ts";
import { isSystemPath } from "../runtime/systemQueries.ts";
import { errorMessage } from "../sync/errorText.ts";
import { encodeTs } from "../sync/protocol.ts";
import { callerOf } from "./auth.ts";
import { HttpError, readJson, sendJson, sendText } from "./reply.ts";
import { decodePath } from "./requestUrl.ts";

const MAX_BODY_BYTES = 20 << 20;
/** Convex's status for "the function itself failed". */
const STATUS_FUNCTION_FAILED = 560;

const vJson = z.custom<JSONValue>((value) => value !== undefined);
const vFormat = z.enum(["json", "convex_encoded_json"]).default("convex_encoded_json");
const vCall = z.object({
  path: z.string(),
  args: vJson.optional(),
  format: vFormat.nullish(),
  componentPath: z.string().nullish(),
});
const vRun = z.object({ args: vJson.optional(), format: vFormat.nullish() });

type Kind = "query" | "mutation" | "action" | "any";

export interface FunctionApi {
  readonly backend: Backend;
  readonly adminKey: string;
}

/** Values without Convex's own encodings: int64 as a decimal string, bytes as base64. */
function toPlain(value: Value): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Value | undefined>).map(([name, field]) => [
      name,
      toPlain(field ?? null),
    ]),
  );
}

const isPlainObject = (args: JSONValue): args is Record<string, JSONValue> =>
  typeof args === "object" && args !== null && !Array.isArray(args);

/** Arguments come as an object, or as a list with one object. */
function argumentsOf(args: JSONValue | undefined): JSONValue {
  if (args === undefined || args === null) return {};
  if (!Array.isArray(args)) return args;
  if (args.length > 1) throw new HttpError(400, "BadArgs", "Give the arguments as one object.");
  return args[0] ?? {};
}

/** Answers with what a function returned, or how it failed. */
export function sendResult(
  response: ServerResponse,
  { outcome, logLines }: FunctionResult,
  format: "json" | "convex_encoded_json",
  caller: Caller,
  failedStatus = STATUS_FUNCTION_FAILED,
): void {
  const lines = JSON.stringify(logLines);
  if (outcome.ok) {
    const value =
      format === "json"
        ? JSON.stringify(toPlain(jsonToConvex(JSON.parse(outcome.json) as JSONValue)))
        : outcome.json;
    sendText(response, 200, "application/json", `{"status":"success","value":${value},"logLines":${lines}}`);
    return;
  }
  const { failure } = outcome;
  sendJson(response, failedStatus, {
    status: "error",
    errorMessage: errorMessage(caller.meta.requestId, failure),
    errorData: failure.data,
    logLines,
  });
}

async function call(
  api: FunctionApi,
  kind: Kind,
  path: string,
  args: JSONValue,
  caller: Caller,
): Promise<FunctionResult> {
  const options = { internal: isAdmin(caller.identity) };
  if (!isPlainObject(args)) {
    const failure = plainFailure(
      `Invalid arguments for ${path}: Arguments for a Convex function must be an object.`,
    );
    return { outcome: { ok: false, failure }, logLines: [], ts: null };
  }
  if (isSystemPath(path) && !isAdmin(caller.identity)) {
    throw new HttpError(403, "AdminKeyRequired", "System functions need the admin key.");
  }
  return api.backend[kind](path, args, caller, options);
}

const PATHS: Record<string, Kind> = {
  "/api/query": "query",
  "/api/query_at_ts": "query",
  "/api/mutation": "mutation",
  "/api/action": "action",
  "/api/function": "any",
};

async function answer(
  api: FunctionApi,
  kind: Kind,
  input: z.infer<typeof vCall>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (typeof input.componentPath === "string" && input.componentPath !== "") {
    throw new HttpError(400, "ComponentsNotSupported", "Components are not supported by this backend.");
  }
  const caller = await callerOf(request, api.backend, api.adminKey);
  const result = await call(api, kind, input.path, argumentsOf(input.args), caller);
  sendResult(response, result, input.format ?? "convex_encoded_json", caller);
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HttpError(400, "BadRequest", `Malformed request: ${z.prettifyError(parsed.error)}`);
}

function parseQueryString(url: URL): unknown {
  const args = url.searchParams.get("args");
  try {
    return {
      path: url.searchParams.get("path"),
      args: args === null ? {} : (JSON.parse(args) as unknown),
      format: url.searchParams.get("format") ?? "json",
    };
  } catch (error) {
    throw new HttpError(400, "BadArgs", "`args` is no JSON.", { cause: error });
  }
}

/** Answers a request of the function API; false when it is none. */
export async function serveFunctions(
  api: FunctionApi,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (url.pathname === "/api/query_ts") {
    sendJson(response, 200, { ts: encodeTs(api.backend.store.lastTs()) });
    return true;
  }
  const kind = Object.hasOwn(PATHS, url.pathname) ? PATHS[url.pathname] : undefined;
  if (kind !== undefined) {
    if (request.method === "GET" && kind === "query") {
      await answer(api, kind, parse(vCall, parseQueryString(url)), request, response);
      return true;
    }
    if (request.method !== "POST")
      throw new HttpError(405, "MethodNotAllowed", `Use POST for ${url.pathname}.`);
    await answer(api, kind, parse(vCall, await readJson(request, MAX_BODY_BYTES)), request, response);
    return true;
  }
  const run = /^\/api\/run\/(.+)$/.exec(url.pathname);
  if (run === null) return false;
  if (request.method !== "POST")
    throw new HttpError(405, "MethodNotAllowed", `Use POST for ${url.pathname}.`);
  const input = parse(vRun, await readJson(request, MAX_BODY_BYTES));
  // `/api/run/messages/send` and `/api/run/messages:send` both name `messages:send`.
  const path = decodePath(run[1]!);
  if (path === null) throw new HttpError(400, "BadRequest", "The address's percent signs are malformed.");
  const slash = path.lastIndexOf("/");
  const named =
    path.includes(":") || slash === -1 ? path : `${path.slice(0, slash)}:${path.slice(slash + 1)}`;
  await answer(api, "any", { ...input, path: named, format: input.format ?? "json" }, request, response);
  return true;
}

/** What functions have logged, for `npx convex logs` and `dev`: a long poll. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend } from "../runtime/backend.ts";
import type { FunctionLogEntry } from "../runtime/functionLog.ts";
import { displayPath } from "../runtime/functions.ts";
import { requireAdmin } from "./auth.ts";
import { HttpError, sendJson } from "./reply.ts";

/** How long a poll waits for something to tell; the CLI asks again at once. */
const POLL_MS = 30_000;

const UDF_TYPES = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
} as const;

const NO_USAGE = Object.fromEntries(
  [
    ...["databaseReadBytes", "databaseWriteBytes", "databaseIoReadBytes", "databaseIoWriteBytes"],
    ...["databaseReadDocuments", "databaseWriteDocuments", "databaseWriteIndexRows"],
    ...["storageReadBytes", "storageWriteBytes", "vectorIndexReadBytes", "vectorIndexWriteBytes"],
    ...["textIndexQueryBytes", "textIndexWriteQueryBytes", "vectorIndexReadQueryBytes"],
    ...["vectorIndexWriteQueryBytes", "networkEgressBytes", "memoryUsedMb"],
  ].map((name) => [name, 0]),
);

/** One execution as the CLI reads it: times in seconds. Usage is not measured here and stands at zero. */
function completion(entry: FunctionLogEntry): Record<string, unknown> {
  const { timestamp, kind, path, requestId, durationMs, error, logLines } = entry;
  const seconds = timestamp / 1_000;
  const identifier = kind === "httpAction" ? path : displayPath(path);
  return {
    ...{ kind: "Completion", udfType: UDF_TYPES[kind], identifier, logLines, error, requestId },
    ...{ timestamp: seconds, executionTimestamp: seconds, executionTime: durationMs / 1_000 },
    ...{ executionId: requestId, componentPath: null, cachedResult: false, willRetry: false },
    ...{ caller: "Unknown", identityType: "unknown", environment: "isolate" },
    ...{ success: error === null ? null : undefined, usageStats: NO_USAGE },
  };
}

/** Answers a poll for logs; false when the request is none. */
export async function serveLogs(
  backend: Backend,
  adminKey: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (url.pathname !== "/api/stream_function_logs") return false;
  await requireAdmin(request, backend, adminKey);
  const cursor = Number(url.searchParams.get("cursor") ?? "0");
  if (!Number.isFinite(cursor)) throw new HttpError(400, "BadCursor", "`cursor` must be a number.");
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  // The first poll only asks where the log ends.
  if (cursor > 0) await backend.functionLog.wait(cursor, POLL_MS, gone.signal);
  const { entries, cursor: newCursor } = backend.functionLog.after(cursor);
  sendJson(response, 200, { entries: entries.map(completion), newCursor });
  return true;
}

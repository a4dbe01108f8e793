/** Runs a query that is sent as source text, for administrators. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JSONValue } from "convex/values";
import * as z from "zod";
import type { LoadOptions } from "../push/load.ts";
import { TEST_QUERY, withTestQuery } from "../push/testModule.ts";
import type { Backend } from "../runtime/backend.ts";
import { PushError } from "../runtime/schema.ts";
import { callerOf, requireAdmin } from "./auth.ts";
import { sendResult } from "./functions.ts";
import { HttpError, readJson } from "./reply.ts";

const MAX_BODY_BYTES = 4 << 20;

const vRequest = z.object({
  args: z
    .record(
      z.string(),
      z.custom<JSONValue>((value) => value !== undefined),
    )
    .default({}),
  bundle: z.object({ source: z.string() }),
  format: z.enum(["json", "convex_encoded_json"]).default("convex_encoded_json"),
  componentId: z.string().nullish(),
});

/** Answers such a request; false when it is none. */
export async function serveTestFunction(
  backend: Backend,
  adminKey: string,
  loading: LoadOptions,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (url.pathname !== "/api/run_test_function") return false;
  await requireAdmin(request, backend, adminKey);
  if (request.method !== "POST")
    throw new HttpError(405, "MethodNotAllowed", `Use POST for ${url.pathname}.`);
  const parsed = vRequest.safeParse(await readJson(request, MAX_BODY_BYTES));
  if (!parsed.success)
    throw new HttpError(400, "BadRequest", `Malformed request: ${z.prettifyError(parsed.error)}`);
  const { args, bundle, format, componentId } = parsed.data;
  if (componentId != null)
    throw new HttpError(400, "ComponentsNotSupported", "Components are not supported by this backend.");
  const app = await withTestQuery(backend.app, bundle.source, loading).catch((error: unknown) => {
    if (!(error instanceof PushError)) throw error;
    throw new HttpError(400, "InvalidModules", error.message, { cause: error });
  });
  const caller = await callerOf(request, backend, adminKey);
  const result = await backend.query(TEST_QUERY, args, caller, { internal: true }, app);
  // The CLI shows what went wrong only when the answer itself is a success.
  sendResult(response, result, format, caller, 200);
  return true;
}

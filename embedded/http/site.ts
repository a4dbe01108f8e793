/** Serves the app's own HTTP actions (`convex/http.ts`). */
import type { IncomingMessage, ServerResponse } from "node:http";
import { routerOf } from "../push/load.ts";
import type { Backend } from "../runtime/backend.ts";
import { FunctionFailedError } from "../runtime/errors.ts";
import { NOBODY, type Identity } from "../auth/identity.ts";
import { newRequestId, type Caller } from "../runtime/request.ts";
import { errorMessage } from "../sync/errorText.ts";
import { identify } from "./auth.ts";
import { HttpError, sendError, sendJson, sendText } from "./reply.ts";
import { sendWebResponse, toWebRequest } from "./web.ts";

const MAX_BODY_BYTES = 20 << 20;

/** HTTP actions read `Authorization` themselves: a header that is no token of ours is not an error here. */
async function identityOf(request: IncomingMessage, backend: Backend, adminKey: string): Promise<Identity> {
  try {
    return await identify(request, backend, adminKey);
  } catch (error) {
    if (error instanceof HttpError) return NOBODY;
    throw error;
  }
}

/** Answers one request with the app's router; `path` is the path and query string that the router sees. */
export async function serveSite(
  backend: Backend,
  adminKey: string,
  origin: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const caller: Caller = {
    identity: await identityOf(request, backend, adminKey),
    meta: {
      requestId: newRequestId(),
      ip: request.socket.remoteAddress ?? null,
      userAgent: request.headers["user-agent"] ?? null,
      scheduledFunctionId: null,
    },
  };
  const router = routerOf(backend.app.actions.modules);
  if (router === null) {
    return sendText(
      response,
      404,
      "text/plain",
      "This Convex deployment does not have HTTP actions enabled.",
    );
  }
  try {
    const answer = await backend.http(
      router,
      toWebRequest(request, response, new URL(new URL(origin).origin + path), MAX_BODY_BYTES),
      caller,
    );
    if (answer === null) return sendText(response, 404, "text/plain", "No matching routes found");
    await sendWebResponse(response, answer, request.method !== "HEAD");
  } catch (error) {
    if (error instanceof HttpError) return sendError(response, error);
    if (!(error instanceof FunctionFailedError)) throw error;
    const { failure } = error;
    sendJson(response, 500, {
      code: failure.message,
      trace: errorMessage(caller.meta.requestId, failure),
      ...(failure.data === undefined ? {} : { data: failure.data }),
    });
  }
}

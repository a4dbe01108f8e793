/** Who sends an HTTP request: `Authorization: Bearer <JWT>` or `Convex <admin key>[:base64 identity]`. */
import type { IncomingMessage } from "node:http";
import { authenticateAdmin } from "../auth/adminKey.ts";
import { NOBODY, type Identity } from "../auth/identity.ts";
import { authenticate, AuthenticationError } from "../auth/providers.ts";
import type { Backend } from "../runtime/backend.ts";
import { newRequestId, type Caller } from "../runtime/request.ts";
import { HttpError } from "./reply.ts";

/** @throws HttpError 401 when a token or key is given and is not valid. */
export async function identify(
  request: IncomingMessage,
  backend: Backend,
  adminKey: string,
): Promise<Identity> {
  const header = request.headers.authorization;
  if (header === undefined) return NOBODY;
  const space = header.indexOf(" ");
  const scheme = header.slice(0, space).toLowerCase();
  const value = header.slice(space + 1).trim();
  try {
    if (scheme === "convex") return authenticateAdmin(value, adminKey);
    if (scheme === "bearer") return await authenticate(backend.app.auth.providers, value, backend.now());
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    const code = scheme === "convex" ? "BadAdminKey" : "InvalidAuthHeader";
    throw new HttpError(401, code, error.message, { cause: error });
  }
  throw new HttpError(
    401,
    "InvalidAuthHeader",
    "Use `Authorization: Bearer <token>` or `Convex <admin key>`.",
  );
}

export async function callerOf(
  request: IncomingMessage,
  backend: Backend,
  adminKey: string,
): Promise<Caller> {
  return {
    identity: await identify(request, backend, adminKey),
    meta: {
      requestId: newRequestId(),
      ip: request.socket.remoteAddress ?? null,
      userAgent: request.headers["user-agent"] ?? null,
      scheduledFunctionId: null,
    },
  };
}

/** @throws HttpError unless the request carries the admin key. */
export async function requireAdmin(
  request: IncomingMessage,
  backend: Backend,
  adminKey: string,
): Promise<Identity> {
  const identity = await identify(request, backend, adminKey);
  if (identity.kind === "admin") return identity;
  throw new HttpError(
    401,
    "AdminKeyRequired",
    "This needs the admin key: `Authorization: Convex <admin key>`.",
  );
}

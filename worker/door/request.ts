import type { IncomingMessage, ServerResponse } from "node:http";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import { causeChain, SlipwayError, type ErrorCode, type ErrorData } from "../../core/errors.ts";

/** What comes to the door, taken apart and checked before anything is done. */

export const ROUTES = ["files", "archive", "hashes", "delete", "exec", "terminal"] as const;
export type Route = (typeof ROUTES)[number];

export type Target = { project: string; environment: EnvironmentKind; route: Route; query: URLSearchParams };

const PATH = /^\/v1\/projects\/([^/]{1,128})\/([a-z]{1,16})\/([a-z]{1,16})$/;
const MOST_JSON_BYTES = 16 * 1024 * 1024;

const STATUS: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  status_changed: 409,
  too_much: 413,
  setup: 503,
  deadline: 504,
};

/** @throws SlipwayError `not_found` for any other address */
export function targetOf(url: string | undefined): Target {
  const { pathname, searchParams: query } = new URL(url ?? "/", "http://door.invalid");
  const match = PATH.exec(pathname);
  const environment = ENVIRONMENT_KINDS.find((kind) => kind === match?.[2]);
  const route = ROUTES.find((name) => name === match?.[3]);
  const project = match ? decoded(match[1]!) : null;
  if (project === null || !environment || !route) {
    throw new SlipwayError({
      code: "not_found",
      message: "The door has no such address.",
      hint: "It has /v1/projects/<project>/<environment>/<route>; worker/door/README.md lists them.",
      allowed: [...ROUTES],
    });
  }
  return { project, environment, route, query };
}

/** Null where it is encoded wrongly. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The token that a request brings, or null. */
export function tokenOf({ headers }: IncomingMessage): string | null {
  return /^Bearer ([A-Za-z0-9._~+/=-]{16,8192})$/.exec(headers.authorization ?? "")?.[1] ?? null;
}

/** Whether a page of another origin sent it. Browsers say so; the door has nothing to say to such pages. */
export function isForeign({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return false;
  try {
    return new URL(origin).host !== host;
  } catch {
    return true;
  }
}

export function noToken(): SlipwayError {
  return new SlipwayError({
    code: "unauthenticated",
    message: "This needs a valid token, and there is none.",
    hint: "Send it as Authorization: Bearer <token>; slipway token create makes one.",
  });
}

/** @throws SlipwayError `bad_request` where the body is no JSON, `too_much` */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > MOST_JSON_BYTES) {
      throw new SlipwayError({ code: "too_much", message: "The request is longer than 16 MiB." });
    }
    parts.push(part as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch (cause) {
    throw new SlipwayError({ code: "bad_request", message: "The request's body is no JSON." }, { cause });
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** What the caller is told of `error`; nothing of what nobody expected. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof SlipwayError) return error.data;
  return {
    code: "docker",
    message: "Something went wrong at the door.",
    hint: "The worker's log says more.",
  };
}

/** Answers with `error`, or ends the answer where it has begun: whoever reads it must not take it for whole. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const data = errorData(error);
  const status = data.code === "too_much" && /at once/.test(data.message) ? 429 : (STATUS[data.code] ?? 502);
  // What is left of the request is not read any more.
  response.setHeader("connection", "close");
  sendJson(response, status, { error: data });
}

/** Whether it is worth a line of the worker's log: callers' own mistakes are not. */
export function isSurprise(error: unknown): boolean {
  return (
    !(error instanceof SlipwayError) &&
    !causeChain(error).some((line) => /aborted|premature|ECONNRESET/i.test(line))
  );
}

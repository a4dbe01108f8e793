import { ConvexError } from "convex/values";
import * as z from "zod";
import type { ErrorData } from "../../core/errors.ts";

/** Errors of the agents' door as RFC 9457 problems. */

const PROBLEMS = "https://slipway.invalid/problems/";

export type ProblemCode = ErrorData["code"] | "method_not_allowed" | "too_large" | "internal";

const STATUS: Record<ProblemCode, number> = {
  bad_request: 400,
  bad_manifest: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  name_taken: 409,
  illegal_transition: 409,
  status_changed: 409,
  guard_failed: 409,
  stale_epoch: 409,
  too_large: 413,
  internal: 500,
  docker: 502,
  gateway: 502,
  source_missing: 409,
  source_failed: 502,
  too_much: 413,
  setup: 503,
  no_host: 503,
  no_capacity: 503,
  pool_exhausted: 503,
  deadline: 504,
};

const TITLES: Partial<Record<ProblemCode, string>> = {
  unauthenticated: "A valid token is needed",
  not_found: "There is no such thing, or it is not yours",
  internal: "Something went wrong inside",
};

export const vProblem = z
  .looseObject({
    type: z.string().meta({ description: `${PROBLEMS}<code>` }),
    title: z.string(),
    status: z.number(),
    detail: z.string().meta({ description: "What happened, and to what." }),
    instance: z.string().meta({ description: "The path of the request." }),
    code: z.enum(Object.keys(STATUS) as ProblemCode[]),
    hint: z.string().optional().meta({ description: "What to do next." }),
    allowed: z.array(z.string()).optional().meta({ description: "The values that are allowed." }),
    path: z.string().optional().meta({ description: "Where in the input." }),
  })
  .meta({ id: "Problem" });

export type ProblemData = Omit<ErrorData, "code"> & { code: ProblemCode };

const vErrorData = z.looseObject({ code: z.string(), message: z.string() });

export function problemResponse(data: ProblemData, instance: string): Response {
  const { code, message: detail, hint, allowed, path } = data;
  const status = STATUS[code];
  const problem = {
    type: PROBLEMS + code,
    title: TITLES[code] ?? code.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase()),
    status,
    detail,
    instance,
    code,
    ...(hint && { hint }),
    ...(allowed && { allowed }),
    ...(path && { path }),
  };
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="slipway"';
  if (code === "method_not_allowed") headers.allow = (allowed ?? []).join(", ");
  return new Response(JSON.stringify(problem), { status, headers });
}

/** What the caller may read of `error`: all of an expected one, nothing of any other. */
export function problemOf(error: unknown): ProblemData {
  if (error instanceof ConvexError) {
    const data = vErrorData.safeParse(typeof error.data === "string" ? JSON.parse(error.data) : error.data);
    if (data.success && data.data.code in STATUS) return data.data as unknown as ProblemData;
  }
  return {
    code: "internal",
    message: "Something went wrong that Slipway did not expect.",
    hint: "Try again; if it stays, tell whoever runs this deployment.",
  };
}

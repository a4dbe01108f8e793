import type { z } from "zod";
import { api } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import { openApiDocument } from "./openapi.ts";
import { findOperation, type Operation, type OPERATIONS } from "./operations.ts";
import { problemOf, problemResponse, type ProblemData } from "./problem.ts";

/** Serves the agents' door. What a caller may do is decided by the functions that are called, with the caller's token. */

const MAX_BODY_BYTES = 64 * 1024;
const DEFAULT_PAGE = 50;

class Refused extends Error {
  readonly problem: ProblemData;
  constructor(problem: ProblemData) {
    super(problem.message);
    this.problem = problem;
  }
}

export async function handleDoor(ctx: ActionCtx, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const path = url.pathname.replace(/^\/v1/, "");
  try {
    if (path === "/openapi.json" && request.method === "GET") return answer(openApiDocument(url.origin));
    const found = findOperation(request.method, path);
    if ("allowedMethods" in found) return unknownPath(url.pathname, request.method, found.allowedMethods);
    await requireToken(ctx);
    const input = await readInput(found.operation, found.params, url, request);
    return answer(await perform(ctx, found.operation.id as keyof typeof OPERATIONS, input));
  } catch (error) {
    const problem = error instanceof Refused ? error.problem : problemOf(error);
    // Only what nobody expected is worth a line in the deployment's log; the caller is told nothing of it.
    if (problem.code === "internal") console.error(error);
    return problemResponse(problem, url.pathname);
  }
}

function unknownPath(path: string, method: string, allowed: string[]): Response {
  const problem: ProblemData =
    allowed.length > 0
      ? { code: "method_not_allowed", message: `${path} does not take ${method}.`, allowed }
      : {
          code: "not_found",
          message: `There is nothing at ${path}.`,
          hint: "GET /v1/openapi.json says what there is.",
        };
  return problemResponse(problem, path);
}

/** A token that Convex cannot read is as good as none; what a good one may do is for the functions to say. */
async function requireToken(ctx: ActionCtx): Promise<void> {
  const identity = await ctx.auth.getUserIdentity().catch(() => null);
  if (identity) return;
  throw new Refused({
    code: "unauthenticated",
    message: "This needs a valid token, and there is none.",
    hint: "Send the header Authorization: Bearer <token>; slipway token create makes one.",
  });
}

type Input = Record<string, unknown>;

async function readInput(
  operation: Operation,
  params: Record<string, string>,
  url: URL,
  request: Request,
): Promise<Input> {
  return {
    ...check(operation.params, params, "path"),
    ...(operation.query ? check(operation.query, Object.fromEntries(url.searchParams), "query") : {}),
    ...(operation.body ? check(operation.body, await readBody(request), "body") : {}),
  };
}

function check(schema: z.ZodObject, value: unknown, where: string): Input {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = [where, ...(issue?.path ?? [])].join(".");
  const options = issue && "values" in issue ? (issue.values as unknown[]).map(String) : undefined;
  throw new Refused({
    code: "bad_request",
    message: `${path}: ${issue?.message ?? "not understood"}.`,
    path,
    ...(options && { allowed: options }),
    hint: "GET /v1/openapi.json says what is expected.",
  });
}

async function readBody(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text.length > MAX_BODY_BYTES) {
    throw new Refused({ code: "too_large", message: `A body has at most ${MAX_BODY_BYTES / 1024} KiB.` });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refused({ code: "bad_request", message: "The body is not JSON.", path: "body" });
  }
}

type InputOf<Id extends keyof typeof OPERATIONS> = z.output<(typeof OPERATIONS)[Id]["params"]> &
  ((typeof OPERATIONS)[Id] extends { query: infer Q extends z.ZodObject } ? z.output<Q> : unknown) &
  ((typeof OPERATIONS)[Id] extends { body: infer B extends z.ZodObject } ? z.output<B> : unknown);

type Performers = {
  [Id in keyof typeof OPERATIONS]: (ctx: ActionCtx, input: InputOf<Id>) => Promise<unknown>;
};

const PERFORM: Performers = {
  async listProjects(ctx, { status, ...page }) {
    return pageOf(await ctx.runQuery(api.projects.listProjects, { status, paginationOpts: optionsOf(page) }));
  },
  async getProject(ctx, { project }) {
    return await projectOr404(ctx, project);
  },
  async transition(ctx, input) {
    return await ctx.runMutation(api.projects.updateProjectStatus, input);
  },
  async report(ctx, input) {
    await ctx.runMutation(api.agents.report, input);
    return { reported: true };
  },
  async listEvents(ctx, { project, ...page }) {
    await projectOr404(ctx, project);
    return pageOf(await ctx.runQuery(api.events.listEvents, { project, paginationOpts: optionsOf(page) }));
  },
  async listReleases(ctx, { project, ...page }) {
    await projectOr404(ctx, project);
    return pageOf(await ctx.runQuery(api.releases.list, { project, paginationOpts: optionsOf(page) }));
  },
  async getRelease(ctx, { project, number }) {
    await projectOr404(ctx, project);
    const release = await ctx.runQuery(api.releases.get, { project, number });
    if (release) return release;
    throw new Refused({
      code: "not_found",
      message: `${project} has no release ${number}.`,
      hint: `GET /v1/projects/${project}/releases lists those that it has.`,
    });
  },
  async listDeploys(ctx, { project, ...page }) {
    await projectOr404(ctx, project);
    return pageOf(await ctx.runQuery(api.releases.listDeploys, { project, paginationOpts: optionsOf(page) }));
  },
  async deploy(ctx, input) {
    return await ctx.runMutation(api.releases.deploy, input);
  },
  async rollback(ctx, input) {
    return await ctx.runMutation(api.releases.rollback, input);
  },
  async readLogs(ctx, input) {
    return { lines: await ctx.runQuery(api.logs.tail, input) };
  },
};

async function perform(ctx: ActionCtx, id: keyof typeof OPERATIONS, input: Input): Promise<unknown> {
  // `input` was made by this very operation's schemas, which a lookup by name cannot show to the compiler.
  const run = PERFORM[id] as (ctx: ActionCtx, input: Input) => Promise<unknown>;
  return await run(ctx, input);
}

async function projectOr404(ctx: ActionCtx, project: string) {
  const view = await ctx.runQuery(api.projects.getProject, { project });
  if (view) return view;
  throw new Refused({ code: "not_found", message: `There is no project "${project}".` });
}

function optionsOf({ cursor, limit }: { cursor?: string; limit?: number }) {
  return { cursor: cursor ?? null, numItems: limit ?? DEFAULT_PAGE };
}

function pageOf<T>({ page, isDone, continueCursor }: { page: T[]; isDone: boolean; continueCursor: string }) {
  return { items: page, next: isDone ? null : continueCursor };
}

function answer(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

import { parseClaims, moveVerb, type Claims, type Role, type WorkspaceVerb } from "../../core/access.ts";
import type { EnvironmentKind, Status } from "../../core/lifecycle.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { findProject } from "./find.ts";
import { refuse } from "./refuse.ts";
import { isRevoked } from "./tokens.ts";

/** The one access layer (DESIGN.md rule 14): every public function starts with a `require…` of this file. */

export type Caller = Omit<Claims, "project"> & {
  /** The one project that the token speaks of; `all` without such a claim; `none` where that project is gone. */
  scope: Id<"projects"> | "all" | "none";
};

/** Whoever holds the deployment and runs its internal functions by hand. */
export const OPERATOR: Caller = {
  role: "admin",
  subject: "deployment operator",
  scope: "all",
  verbs: new Set(),
  tokenId: "none",
};

const HINT = "slipway token create makes a token.";

/** Who calls. Refuses calls with no valid token of ours, and those of roles that are not among `roles`. */
async function requireRole(ctx: QueryCtx, roles: readonly Role[]): Promise<Caller> {
  const claims = await claimsOf(ctx);
  if (!claims) {
    refuse({ code: "unauthenticated", message: "This needs a valid token, and there is none.", hint: HINT });
  }
  if (await isRevoked(ctx, claims.tokenId)) {
    refuse({ code: "unauthenticated", message: "This token was revoked.", hint: HINT });
  }
  if (!roles.includes(claims.role)) {
    refuse({
      code: "forbidden",
      message: `A token of the role ${claims.role} may not do this.`,
      hint: HINT,
      allowed: [...roles],
    });
  }
  return await callerOf(ctx, claims);
}

/** Who calls, or null: without a token of ours, with one that was revoked, or that is for a project that is gone. */
export async function callerIfAny(ctx: QueryCtx): Promise<Caller | null> {
  const claims = await claimsOf(ctx);
  if (!claims || (await isRevoked(ctx, claims.tokenId))) return null;
  const caller = await callerOf(ctx, claims);
  return caller.scope === "none" ? null : caller;
}

async function claimsOf(ctx: QueryCtx): Promise<Claims | null> {
  const identity = await ctx.auth.getUserIdentity();
  return identity && parseClaims(identity);
}

async function callerOf(ctx: QueryCtx, { project, ...rest }: Claims): Promise<Caller> {
  return {
    ...rest,
    scope: project === undefined ? "all" : ((await findProject(ctx, project))?._id ?? "none"),
  };
}

/** Anyone with a valid token; an agent's needs the verb `read`. */
export async function requireReader(ctx: QueryCtx): Promise<Caller> {
  const caller = await requireRole(ctx, ["admin", "viewer", "agent", "worker"]);
  if (caller.role === "agent") requireVerb(caller, "read");
  return caller;
}

export async function requireAdmin(ctx: QueryCtx): Promise<Caller> {
  return await requireRole(ctx, ["admin"]);
}

/** An admin of everything: what is no single project's is not for a token of one project to see or change. */
export async function requireInstanceAdmin(ctx: QueryCtx): Promise<Caller> {
  const caller = await requireAdmin(ctx);
  requireWhole(caller, { message: "This is no single project's, and this token is of one project." });
  return caller;
}

/** Refuses a token of one project, as {@link requireInstanceAdmin} does; for a part of what such a token may do else. */
export function requireWhole(caller: Caller, refusal: { message: string; path?: string }): void {
  if (caller.scope === "all") return;
  refuse({
    code: "forbidden",
    ...refusal,
    hint: "An admin's token of all projects may: slipway token create --role admin.",
  });
}

/** An admin, a viewer or a worker, or an agent with the verb `logs`. */
export async function requireLogReader(ctx: QueryCtx): Promise<Caller> {
  const caller = await requireRole(ctx, ["admin", "viewer", "agent", "worker"]);
  if (caller.role === "agent") requireVerb(caller, "logs");
  return caller;
}

/** An admin, or an agent with the verb `report`. */
export async function requireReporter(ctx: QueryCtx): Promise<Caller> {
  const caller = await requireRole(ctx, ["admin", "agent"]);
  if (caller.role === "agent") requireVerb(caller, "report");
  return caller;
}

/** An admin, or an agent; what an agent may move is decided by {@link requireMove}, once the move is known. */
export async function requireMover(ctx: QueryCtx): Promise<Caller> {
  return await requireRole(ctx, ["admin", "agent"]);
}

/**
 * Whoever may do `verb` with a project's files or containers: an admin; a viewer, to read; an agent with that verb, and
 * not where the project serves its users: what runs there is reached through a release.
 */
export async function requireWorkspace(
  ctx: QueryCtx,
  verb: WorkspaceVerb,
  environment: EnvironmentKind,
): Promise<Caller> {
  const roles =
    verb === "files.read" ? (["admin", "viewer", "agent"] as const) : (["admin", "agent"] as const);
  const caller = await requireRole(ctx, roles);
  if (caller.role !== "agent") return caller;
  requireVerb(caller, verb);
  if (environment !== "deploy") return caller;
  return refuse({
    code: "forbidden",
    message: "An agent's token reaches the files and containers of dev and test, not those of deploy.",
    hint: "Work in dev, and deploy by a release.",
    allowed: ["dev", "test"],
  });
}

/** A worker that may speak for the host called `name`. */
export async function requireRegistrar(ctx: QueryCtx, name: string): Promise<Caller> {
  const caller = await requireRole(ctx, ["worker"]);
  if (caller.host === undefined || caller.host === name) return caller;
  return refuse({
    code: "forbidden",
    message: `This token speaks for the host ${caller.host}, not for ${name}.`,
    hint: "Give each worker a token of its own host.",
  });
}

function requireVerb(caller: Caller, verb: string): void {
  if (caller.verbs.has(verb)) return;
  refuse({
    code: "forbidden",
    message: `This token may not ${verb}.`,
    hint: `A token with the verb ${verb} is needed.`,
    allowed: [...caller.verbs],
  });
}

export function requireMove(caller: Caller, to: Status): void {
  if (caller.role === "agent") requireVerb(caller, moveVerb(to));
}

/** Whether a token of `caller` may know of `projectId`. */
export function canSee(caller: Caller, projectId: Id<"projects">): boolean {
  return caller.scope === "all" || caller.scope === projectId;
}

/** The project that `ref` (slug, namespace or id) names, or null: there is none, or it is not the caller's to see. */
export async function visibleProject(
  ctx: QueryCtx,
  caller: Caller,
  ref: string,
): Promise<Doc<"projects"> | null> {
  const project = await findProject(ctx, ref);
  return project && canSee(caller, project._id) ? project : null;
}

/** As {@link visibleProject}; refuses with the same words whether there is none or it is another's. */
export async function requireProject(ctx: QueryCtx, caller: Caller, ref: string): Promise<Doc<"projects">> {
  return (await visibleProject(ctx, caller, ref)) ?? noSuchProject(ref);
}

export function noSuchProject(ref: string): never {
  return refuse({
    code: "not_found",
    message: `There is no project "${ref.slice(0, 100)}".`,
    hint: "slipway project list shows the projects.",
  });
}

/** A host, for those whose token is not of one project; else null, as where there is none. */
export async function visibleHost(
  ctx: QueryCtx,
  caller: Caller,
  hostId: string,
): Promise<Doc<"hosts"> | null> {
  const id = caller.scope === "all" ? ctx.db.normalizeId("hosts", hostId) : null;
  return id && (await ctx.db.get("hosts", id));
}

/** The host that a worker speaks for, in a query. */
export async function requireHost(ctx: QueryCtx, hostId: string): Promise<Doc<"hosts">> {
  return (await requireWorkerOf(ctx, hostId)).host;
}

async function requireWorkerOf(
  ctx: QueryCtx,
  hostId: string,
): Promise<{ host: Doc<"hosts">; caller: Caller }> {
  const caller = await requireRole(ctx, ["worker"]);
  const id = ctx.db.normalizeId("hosts", hostId);
  const host = id && (await ctx.db.get("hosts", id));
  if (host && (caller.host === undefined || caller.host === host.name)) return { host, caller };
  return refuse({
    code: "not_found",
    message: `There is no host "${hostId.slice(0, 100)}".`,
    hint: "Register the worker first.",
  });
}

/** As {@link requireHost}, for a write, and for what a worker acts upon: refuses a worker that another one has replaced (DESIGN.md rule 8). */
export async function requireLease(
  ctx: QueryCtx,
  { hostId, epoch }: { hostId: string; epoch: number },
): Promise<{ host: Doc<"hosts">; actor: Actor }> {
  const { host, caller } = await requireWorkerOf(ctx, hostId);
  if (host.epoch === epoch && host.state !== "left") return { host, actor: actorOf(caller) };
  return refuse({
    code: "stale_epoch",
    message: `This worker's lease of ${host.name} is over: its epoch is ${epoch}, and now it is ${host.epoch}.`,
    hint: "Another worker has registered this host; stop this one, or register again.",
  });
}

/** The project that a host's worker speaks of, or null: it does not live there. */
export async function hostedProject(
  ctx: QueryCtx,
  host: Doc<"hosts">,
  projectId: string,
): Promise<Doc<"projects"> | null> {
  const id = ctx.db.normalizeId("projects", projectId);
  const project = id && (await ctx.db.get("projects", id));
  return project?.hostId === host._id ? project : null;
}

export async function requireHostedProject(
  ctx: QueryCtx,
  host: Doc<"hosts">,
  projectId: string,
): Promise<Doc<"projects">> {
  return (await hostedProject(ctx, host, projectId)) ?? noSuchProject(projectId);
}

export function actorOf(caller: Caller): Actor {
  return { role: caller.role, subject: caller.subject, tokenId: caller.tokenId };
}

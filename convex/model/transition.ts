import type { Infer } from "convex/values";
import { v } from "convex/values";
import {
  AGENTS,
  edgesFrom,
  hasStatusPage,
  isPausable,
  isStatus,
  STATUSES,
  type Edge,
  type Status,
} from "../../core/lifecycle.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Caller } from "./access.ts";
import { actorOf, requireMove } from "./access.ts";
import { ensureAgents } from "./agents.ts";
import { countProject } from "./counts.ts";
import { reserve } from "./capacity.ts";
import { eraseProject } from "./deletion.ts";
import { beginDeploy } from "./deploys.ts";
import { applyDesired, desiredIn, environmentsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { requireGuard } from "./guards.ts";
import { tellOfAnswers } from "./inbox.ts";
import { manifestOf } from "./manifests.ts";
import { refuse } from "./refuse.ts";
import { releasesOfMove } from "./releases.ts";
import { failedRetentionMs } from "./settings.ts";
import { answered, remember } from "./requests.ts";
import { vStatus } from "./validators.ts";

/** A move of a project from status to status (DESIGN.md rule 4): all of it in the one transaction that calls it. */

export const vMoveResult = v.object({
  from: vStatus,
  to: vStatus,
  changed: v.boolean(),
  generation: v.number(),
});
export type MoveResult = Infer<typeof vMoveResult>;

export type MoveRequest = {
  to: string;
  expectedFrom?: string;
  reason?: string;
  requestId?: string;
  override?: boolean;
};

const MAX_REASON = 1000;

/** Moves `project` for `caller`, once for each `requestId`. */
export async function requestMove(
  ctx: MutationCtx,
  caller: Caller,
  project: Doc<"projects">,
  request: MoveRequest,
): Promise<MoveResult> {
  const to = checkRequest(caller, project, request);
  const before = await answered(ctx, project, request.requestId, to);
  if (before) return before;
  if (request.expectedFrom !== undefined && request.expectedFrom !== project.status) {
    refuse({
      code: "status_changed",
      message: `${project.slug} is ${project.status}, not ${request.expectedFrom}: it was moved in between.`,
      hint: "Look at it again, and decide anew.",
    });
  }
  const result = await move(ctx, caller, project, to, request);
  await remember(ctx, project, request.requestId, result);
  return result;
}

function checkRequest(caller: Caller, project: Doc<"projects">, request: MoveRequest): Status {
  const { to, reason, requestId, override } = request;
  if (!isStatus(to)) {
    return refuse({
      code: "bad_request",
      message: `${project.slug} cannot become "${to.slice(0, 40)}": there is no such status.`,
      allowed: edgesFrom(project.status, project.pausedFrom).map((edge) => edge.to),
      hint: `The statuses are ${STATUSES.join(", ")}.`,
    });
  }
  if ((reason?.length ?? 0) > MAX_REASON) {
    refuse({
      code: "bad_request",
      message: `A reason has at most ${MAX_REASON} characters.`,
      path: "reason",
    });
  }
  if (requestId !== undefined && (requestId.length < 1 || requestId.length > 128)) {
    refuse({ code: "bad_request", message: "A requestId has 1 to 128 characters.", path: "requestId" });
  }
  if (override && caller.role !== "admin") {
    refuse({ code: "forbidden", message: "Only an admin may override a guard." });
  }
  if (override && !reason?.trim()) {
    refuse({
      code: "bad_request",
      message: "An override needs a reason, which is recorded.",
      path: "reason",
      hint: "Give one: --override --reason '…'.",
    });
  }
  return to;
}

async function move(
  ctx: MutationCtx,
  caller: Caller,
  project: Doc<"projects">,
  to: Status,
  { reason, override }: MoveRequest,
): Promise<MoveResult> {
  const from = project.status;
  if (from === to) return { from, to, changed: false, generation: project.generation };
  const edge = requireEdge(project, to);
  requireMoveOf(caller, project, edge);
  const overridden = await requireGuard(ctx, project, edge, override ?? false);
  const moved = await enter(ctx, actorOf(caller), project, to, { reason, override: overridden });
  return { from, to, changed: true, generation: moved.generation };
}

function requireEdge(project: Doc<"projects">, to: Status): Edge {
  const edges = edgesFrom(project.status, project.pausedFrom);
  const edge = edges.find((candidate) => candidate.to === to);
  if (edge) return edge;
  const allowed = edges.map((candidate) => candidate.to);
  return refuse({
    code: "illegal_transition",
    message: `${project.slug} cannot go from ${project.status} to ${to}.`,
    allowed,
    hint: allowed.length > 0 ? undefined : "It is being deleted.",
  });
}

function requireMoveOf(caller: Caller, project: Doc<"projects">, edge: Edge): void {
  requireMove(caller, edge.to);
  if (caller.role === "agent" && edge.agents.length === 0) {
    refuse({
      code: "forbidden",
      message: `Only an admin may take ${project.slug} from ${edge.from} to ${edge.to}.`,
    });
  }
}

/**
 * The effects of a move that is allowed: status, host, releases, environments, inbox, event; at once the end of the project where
 * it is deleted and no worker ever had anything of it.
 */
async function enter(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  to: Status,
  { reason, override }: { reason?: string; override: boolean },
): Promise<Doc<"projects">> {
  const manifest = await manifestOf(ctx, project);
  const environments = await environmentsOf(ctx, project._id);
  const held = await reserve(ctx, project, manifest, desiredIn(to, environments));
  const changes = {
    ...held,
    status: to,
    statusChangedAt: Date.now(),
    statusReason: reason,
    pausedFrom: to === "paused" && isPausable(project.status) ? project.status : undefined,
    generation: project.generation + 1,
    reclaimAt: to === "failed" && held.hostId ? Date.now() + failedRetentionMs() : undefined,
    counted: true,
  };
  await ctx.db.patch("projects", project._id, changes);
  const moved = { ...project, ...changes };
  await countProject(ctx, project, moved);
  await recordEvent(ctx, {
    type: "project.transition",
    actor,
    project,
    from: project.status,
    to,
    reason,
    override: override || undefined,
    message: `${project.slug} went from ${project.status} to ${to}.`,
  });
  if (AGENTS[to] === "made" || AGENTS[to] === "active") await ensureAgents(ctx, actor, moved);
  const releases = await releasesOfMove(ctx, actor, moved, project.status, manifest);
  const told = await applyDesired(ctx, actor, moved, manifest, environments, releases);
  if (!told && (hasStatusPage(project.status) || hasStatusPage(to))) {
    await tellOfAnswers(ctx, moved, environments);
  }
  if (releases.deploy) await beginDeploy(ctx, actor, moved, releases.deploy, "deploy");
  if (to === "deleting" && moved.hostId === undefined) await eraseProject(ctx, actor, moved);
  return moved;
}

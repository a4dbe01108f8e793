import { v, type Infer } from "convex/values";
import {
  DEPLOY_KINDS,
  DEPLOY_STATES,
  isOver,
  type DeployKind,
  type DeployState,
} from "../../core/deploys.ts";
import type { RolloutSpec } from "../../core/projectSpec.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { environmentOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { releaseSpecOf } from "./releases.ts";
import { oneOf, vReceipt } from "./validators.ts";

/**
 * The deploys of a project (docs/deploys.md), a row for each: begun, ended, shown, forgotten. What people ask for is in
 * deployRequests.ts, what its worker says became of it in deployReports.ts. The environment's own row says what is wanted
 * now.
 */

/** How many deploys of a project stay known. */
const KEPT_DEPLOYS = 100;
const PRUNED_AT_ONCE = 5;

export const vDeployView = v.object({
  number: v.number(),
  kind: oneOf(DEPLOY_KINDS),
  state: oneOf(DEPLOY_STATES),
  release: v.number(),
  percent: v.union(v.number(), v.null()),
  by: v.string(),
  startedAt: v.number(),
  switchedAt: v.union(v.number(), v.null()),
  endedAt: v.union(v.number(), v.null()),
  cause: v.union(v.string(), v.null()),
  receipt: v.union(vReceipt, v.null()),
});

export function deployView(row: Doc<"deploys">): Infer<typeof vDeployView> {
  return {
    number: row.number,
    kind: row.kind,
    state: row.state,
    release: row.release,
    percent: row.percent ?? null,
    by: row.by,
    startedAt: row.startedAt,
    switchedAt: row.switchedAt ?? null,
    endedAt: row.endedAt ?? null,
    cause: row.cause ?? null,
    receipt: row.receipt ?? null,
  };
}

export async function deployNumbered(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  number?: number,
): Promise<Doc<"deploys"> | null> {
  const rows = ctx.db.query("deploys");
  if (number === undefined) {
    return await rows
      .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
      .order("desc")
      .first();
  }
  return await rows
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId).eq("number", number))
    .unique();
}

/** What a worker is told of how the deploy environment is rolled out. */
export async function rolloutSpec(ctx: QueryCtx, environment: Doc<"environments">) {
  const { kept, canary, liveReleaseId, replicas = {}, attempt = 0, undone = null } = environment;
  const keptRelease = kept && (await ctx.db.get("releases", kept.releaseId));
  const canaryRelease = canary && (await ctx.db.get("releases", canary.releaseId));
  const spec = {
    live: liveReleaseId ?? null,
    kept: keptRelease ? { number: keptRelease.number } : null,
    canary:
      canary && canaryRelease
        ? { release: await releaseSpecOf(ctx, canaryRelease), percent: canary.percent }
        : null,
    replicas,
    attempt,
    undone,
  };
  return spec satisfies RolloutSpec;
}

/** What is wanted is tried also if it was undone before: somebody asks for it. */
export async function askAgain(ctx: MutationCtx, projectId: Id<"projects">): Promise<void> {
  const { _id, attempt = 0 } = await environmentOf(ctx, projectId, "deploy");
  await ctx.db.patch("environments", _id, { attempt: attempt + 1 });
}

/** Starts the deploy of a release that the environment was just told to run. What was under way is superseded. */
export async function beginDeploy(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  releaseId: Id<"releases">,
  kind: DeployKind,
  percent?: number,
): Promise<Doc<"deploys">> {
  const release = (await ctx.db.get("releases", releaseId))!;
  const newest = await deployNumbered(ctx, project._id);
  if (newest && !isOver(newest.state)) {
    await ctx.db.patch("deploys", newest._id, { state: "superseded", endedAt: Date.now() });
  }
  const number = (newest?.number ?? 0) + 1;
  if (kind !== "canary") await askAgain(ctx, project._id);
  const deployId = await ctx.db.insert("deploys", {
    projectId: project._id,
    number,
    kind,
    state: kind === "canary" ? "canary" : "rolling",
    releaseId,
    release: release.number,
    percent,
    by: actor.subject,
    startedAt: Date.now(),
  });
  const share = percent === undefined ? "" : ` for ${percent} % of the requests`;
  await recordEvent(ctx, {
    type: "deploy.started",
    actor,
    project,
    environment: "deploy",
    to: String(release.number),
    message: `${project.slug}: ${kind} ${number} brings release ${release.number}${share}.`,
  });
  const old = await ctx.db
    .query("deploys")
    .withIndex("by_project_and_number", (q) =>
      q.eq("projectId", project._id).lte("number", number - KEPT_DEPLOYS),
    )
    .take(PRUNED_AT_ONCE);
  for (const row of old) await ctx.db.delete("deploys", row._id);
  return (await ctx.db.get("deploys", deployId))!;
}

type Ending = {
  state: DeployState;
  switchedAt?: number | null;
  receipt?: Infer<typeof vReceipt> | null;
  cause?: string;
};

/** @returns the number of the deploy of `releaseId` that was under way; 0: there is none */
export async function endDeploy(
  ctx: MutationCtx,
  project: Doc<"projects">,
  releaseId: Id<"releases">,
  { state, switchedAt, receipt, cause }: Ending,
): Promise<number> {
  const newest = await deployNumbered(ctx, project._id);
  // One that failed and became ready after all is live; one that is live already only went through a change of its own.
  const goesOn = newest && (!isOver(newest.state) || (newest.state === "failed" && state === "live"));
  if (!goesOn || newest.releaseId !== releaseId) return 0;
  await ctx.db.patch("deploys", newest._id, {
    state,
    endedAt: Date.now(),
    switchedAt: switchedAt ?? undefined,
    receipt: receipt ?? undefined,
    cause,
  });
  return newest.number;
}

/** Forgets one page of the deploys of a project that is gone. @returns whether there may be more */
export async function eraseDeploys(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  page: number,
): Promise<boolean> {
  const rows = await ctx.db
    .query("deploys")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const { _id } of rows) await ctx.db.delete("deploys", _id);
  return rows.length === page;
}

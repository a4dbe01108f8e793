import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { eraseAgents } from "./agents.ts";
import { unreserve } from "./capacity.ts";
import { claimDomains } from "./domains.ts";
import { countProject } from "./counts.ts";
import { environmentsOf, observationsOf, releaseAllocated } from "./environments.ts";
import { eraseSecrets } from "./secrets.ts";
import { eraseSource } from "./sources.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { eraseCode } from "./code.ts";
import { eraseDeploys } from "./deploys.ts";
import { forgetHostWithoutMembers } from "./groups.ts";
import { dropFromInbox } from "./inbox.ts";
import { eraseMetrics } from "./metricChunks.ts";
import { eraseWatch } from "./metricWatches.ts";
import { eraseReleases } from "./releases.ts";

/** How many rows of one table go in one transaction. */
const PAGE = 100;
/** A release comes with a manifest and an output. */
const RELEASE_PAGE = 10;

/** Removes a project's rows and gives back what it held, once nothing of it is left on any host. Its events stay. */
export async function eraseProject(ctx: MutationCtx, actor: Actor, project: Doc<"projects">): Promise<void> {
  await unreserve(ctx, project);
  for (const row of await environmentsOf(ctx, project._id)) {
    await releaseAllocated(ctx, actor, project, row);
    await dropFromInbox(ctx, project, row.kind);
    await ctx.db.delete("environments", row._id);
  }
  for (const row of (await observationsOf(ctx, project._id)).values()) {
    await ctx.db.delete("environmentObservations", row._id);
  }
  const manifests = await ctx.db
    .query("manifests")
    .withIndex("by_project", (q) => q.eq("projectId", project._id))
    .take(1);
  for (const row of manifests) await ctx.db.delete("manifests", row._id);
  await claimDomains(ctx, project, []);
  if (project.groupId) await forgetHostWithoutMembers(ctx, project.groupId, project._id);
  await eraseAgents(ctx, project);
  await eraseSecrets(ctx, project);
  await eraseSource(ctx, project._id);
  await eraseWatch(ctx, project._id);
  await ctx.scheduler.runAfter(0, internal.maintenance.eraseLeftovers, { projectId: project._id });
  await countProject(ctx, project, null);
  await ctx.db.delete("projects", project._id);
  await recordEvent(ctx, {
    type: "project.deleted",
    actor,
    project,
    from: project.status,
    message: `${project.slug} is gone: containers, networks, volumes and rows.`,
  });
}

/**
 * Removes one page of what a project that is gone had in tables without a bound.
 * @returns whether there may be more
 */
export async function eraseLeftovers(ctx: MutationCtx, projectId: Id<"projects">): Promise<boolean> {
  const requests = await ctx.db
    .query("requests")
    .withIndex("by_project_and_request", (q) => q.eq("projectId", projectId))
    .take(PAGE);
  for (const row of requests) await ctx.db.delete("requests", row._id);
  const logs = await ctx.db
    .query("logChunks")
    .withIndex("by_environment_and_sequence", (q) => q.eq("projectId", projectId))
    .take(PAGE);
  for (const row of logs) await ctx.db.delete("logChunks", row._id);
  const code = await eraseCode(ctx, projectId, PAGE);
  const releases = await eraseReleases(ctx, projectId, RELEASE_PAGE);
  const deploys = await eraseDeploys(ctx, projectId, PAGE);
  const metrics = await eraseMetrics(ctx, projectId, PAGE);
  return requests.length === PAGE || logs.length === PAGE || code || releases || deploys || metrics;
}

import { WATCH_MS } from "../../core/metrics.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/** Whose containers are sampled finely: those of projects that somebody looks at. */

/** More than are looked at on one host at the same time. */
const MOST_WATCHED = 500;
/** Of several people who look, one writes. */
const TOLERANCE_MS = 5_000;

/** Has a project sampled finely for `WATCH_MS` from now. One that lives on no host has nothing to sample. */
export async function watchProject(ctx: MutationCtx, project: Doc<"projects">): Promise<void> {
  if (project.hostId === undefined) return;
  const until = Date.now() + WATCH_MS;
  const known = await watchOf(ctx, project._id);
  if (known) {
    if (known.until < until - TOLERANCE_MS) await ctx.db.patch("metricWatches", known._id, { until });
    return;
  }
  const row = { projectId: project._id, hostId: project.hostId, until };
  const watchId = await ctx.db.insert("metricWatches", row);
  await ctx.scheduler.runAt(until, internal.metrics.endWatch, { watchId });
}

/** Runs when a watch may be over. Looking again only moves `until`; the one job of a watch follows it. */
export async function endWatch(ctx: MutationCtx, watchId: Id<"metricWatches">): Promise<void> {
  const watch = await ctx.db.get("metricWatches", watchId);
  if (!watch) return;
  if (watch.until > Date.now()) {
    await ctx.scheduler.runAt(watch.until, internal.metrics.endWatch, { watchId });
  } else await ctx.db.delete("metricWatches", watchId);
}

export async function watchOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
): Promise<Doc<"metricWatches"> | null> {
  return await ctx.db
    .query("metricWatches")
    .withIndex("by_project", (q) => q.eq("projectId", projectId))
    .unique();
}

export async function watchedOn(ctx: QueryCtx, hostId: Id<"hosts">) {
  const rows = await ctx.db
    .query("metricWatches")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .take(MOST_WATCHED);
  return rows.map(({ projectId, until }) => ({ projectId, until }));
}

export async function eraseWatch(ctx: MutationCtx, projectId: Id<"projects">): Promise<void> {
  const watch = await watchOf(ctx, projectId);
  if (watch) await ctx.db.delete("metricWatches", watch._id);
}

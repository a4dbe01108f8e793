import { v } from "convex/values";
import { internalMutation, mutation, query } from "./_generated/server";
import { requireProject, requireReader } from "./model/access.ts";
import { metricHistory } from "./model/metricHistory.ts";
import { endWatch as end, watchProject } from "./model/metricWatches.ts";
import { vKind, vMetricRange, vMetricSeries } from "./model/validators.ts";

/**
 * Has a project's containers sampled every 5 s for the next 90 s, so that somebody can look; to be called again every
 * 45 s for as long as they do. A reader may: it costs the host next to nothing, and ends by itself.
 */
export const watch = mutation({
  args: { project: v.string() },
  returns: v.null(),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    await watchProject(ctx, await requireProject(ctx, caller, ref));
    return null;
  },
});

/** Runs by schedule when nobody may be looking any more. */
export const endWatch = internalMutation({
  args: { watchId: v.id("metricWatches") },
  returns: v.null(),
  handler: async (ctx, { watchId }) => {
    await end(ctx, watchId);
    return null;
  },
});

/**
 * What an environment's containers used in the stretch of time before the newest point, by service and replica. `10m` has
 * a point every 5 s from where somebody began to look and one a minute before; `1h` and `6h` have one a minute, `24h` one
 * every 5 minutes, `14d` one every 15 minutes.
 */
export const history = query({
  args: { project: v.string(), environment: vKind, range: vMetricRange },
  returns: v.object({ series: v.array(vMetricSeries) }),
  handler: async (ctx, { project: ref, environment, range }) => {
    const caller = await requireReader(ctx);
    const project = await requireProject(ctx, caller, ref);
    return { series: await metricHistory(ctx, project._id, environment, range) };
  },
});

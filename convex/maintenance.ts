import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation } from "./_generated/server";
import { countPage } from "./model/counts.ts";
import { eraseLeftovers as erase } from "./model/deletion.ts";
import { endKept as endOf } from "./model/deployReports.ts";
import { reclaimVolumes as reclaim } from "./model/environments.ts";
import { SYSTEM } from "./model/events.ts";
import { pruneUploads as pruneSources } from "./model/sources.ts";
import { eventRetentionMs } from "./model/settings.ts";

/** What crons run (crons.ts), and schedules: each does one bounded page, and calls itself again while there is more. */

const PAGE = 200;
/** A project's reclaim writes a few rows each. */
const RECLAIM_PAGE = 50;
const DAY_MS = 86_400_000;
/** How long the same `requestId` is known to be the same request. */
const REQUEST_RETENTION_MS = 7 * DAY_MS;
/** How long an ended token is still listed. */
const TOKEN_RETENTION_MS = 30 * DAY_MS;

/** Lets the volumes of projects go that have been failed for longer than the retention time. */
export const reclaimVolumes = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const due = await ctx.db
      .query("projects")
      .withIndex("by_reclaim_time", (q) => q.gt("reclaimAt", 0).lte("reclaimAt", Date.now()))
      .take(RECLAIM_PAGE);
    for (const project of due) await reclaim(ctx, SYSTEM, project);
    if (due.length === RECLAIM_PAGE) {
      await ctx.scheduler.runAfter(0, internal.maintenance.reclaimVolumes, {});
    }
    return null;
  },
});

/** Forgets audit entries that are older than the configured time. */
export const pruneEvents = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const before = Date.now() - eventRetentionMs();
    const old = await ctx.db
      .query("events")
      .withIndex("by_creation_time", (q) => q.lt("_creationTime", before))
      .take(PAGE);
    for (const row of old) await ctx.db.delete("events", row._id);
    if (old.length === PAGE) await ctx.scheduler.runAfter(0, internal.maintenance.pruneEvents, {});
    return null;
  },
});

export const pruneRequests = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const before = Date.now() - REQUEST_RETENTION_MS;
    const old = await ctx.db
      .query("requests")
      .withIndex("by_creation_time", (q) => q.lt("_creationTime", before))
      .take(PAGE);
    for (const row of old) await ctx.db.delete("requests", row._id);
    if (old.length === PAGE) await ctx.scheduler.runAfter(0, internal.maintenance.pruneRequests, {});
    return null;
  },
});

/** Forgets tokens that ended long ago: their signature is worth nothing any more. */
export const pruneTokens = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const before = Date.now() - TOKEN_RETENTION_MS;
    const old = await ctx.db
      .query("tokens")
      .withIndex("by_expiry", (q) => q.lt("expiresAt", before))
      .take(PAGE);
    for (const row of old) await ctx.db.delete("tokens", row._id);
    if (old.length === PAGE) await ctx.scheduler.runAfter(0, internal.maintenance.pruneTokens, {});
    return null;
  },
});

/** Removes sources that were uploaded and never attached: somebody was interrupted in between. */
export const pruneUploads = internalMutation({
  args: { after: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { after = 0 }) => {
    const next = await pruneSources(ctx, { after, before: Date.now() - DAY_MS, page: PAGE });
    if (next !== null) await ctx.scheduler.runAfter(0, internal.maintenance.pruneUploads, { after: next });
    return null;
  },
});

/** Removes what a deleted project had in tables without a bound, page by page. */
export const eraseLeftovers = internalMutation({
  args: { projectId: v.id("projects") },
  returns: v.null(),
  handler: async (ctx, { projectId }) => {
    const more = await erase(ctx, projectId);
    if (more) await ctx.scheduler.runAfter(0, internal.maintenance.eraseLeftovers, { projectId });
    return null;
  },
});

/** Runs by schedule once a release was kept ready for a rollback until `until` (ms since 1970). */
export const endKept = internalMutation({
  args: { environmentId: v.id("environments"), until: v.number() },
  returns: v.null(),
  handler: async (ctx, { environmentId, until }) => {
    await endOf(ctx, environmentId, until);
    return null;
  },
});

/** Counts projects from before there were counts, a page at a time; where all are counted it reads nothing more. */
export const countProjects = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    if (await countPage(ctx, PAGE)) await ctx.scheduler.runAfter(0, internal.maintenance.countProjects, {});
    return null;
  },
});

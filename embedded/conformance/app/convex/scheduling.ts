/** Functions that run later. */
import { ConvexError, v } from "convex/values";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server";

export const note = internalMutation({
  args: { label: v.string(), fail: v.optional(v.boolean()) },
  handler: async (ctx, { label, fail }) => {
    await ctx.db.insert("items", { label, group: (await ctx.auth.getUserIdentity())?.subject ?? "nobody" });
    if (fail === true) throw new ConvexError("asked to fail");
  },
});

export const noteByAction = internalAction({
  args: { label: v.string(), fail: v.optional(v.boolean()) },
  handler: async (ctx, { label, fail }) => {
    if (fail === true) throw new Error("asked to fail");
    await ctx.runMutation(internal.scheduling.note, { label });
  },
});

export const soon = mutation({
  args: {
    label: v.string(),
    delayMs: v.number(),
    fail: v.optional(v.boolean()),
    by: v.optional(v.union(v.literal("mutation"), v.literal("action"))),
    thenThrow: v.optional(v.boolean()),
  },
  handler: async ({ scheduler }, { label, delayMs, fail, by, thenThrow }): Promise<string> => {
    const target = by === "action" ? internal.scheduling.noteByAction : internal.scheduling.note;
    const id = await scheduler.runAfter(delayMs, target, { label, fail });
    if (thenThrow === true) throw new Error("the schedule must not stay");
    return id;
  },
});

export const at = mutation({
  args: { label: v.string(), time: v.number() },
  handler: async ({ scheduler }, { label, time }): Promise<string> =>
    await scheduler.runAt(time, internal.scheduling.note, { label }),
});

export const together = mutation({
  args: { labels: v.array(v.string()) },
  handler: async ({ scheduler }, { labels }) => {
    for (const label of labels) await scheduler.runAfter(0, internal.scheduling.note, { label });
  },
});

export const fromAction = action({
  args: { label: v.string() },
  handler: async ({ scheduler }, { label }): Promise<string> =>
    await scheduler.runAfter(0, internal.scheduling.note, { label }),
});

export const cancel = mutation({
  args: { id: v.string() },
  handler: async ({ scheduler }, { id }) => await scheduler.cancel(id as Id<"_scheduled_functions">),
});

/** Each step schedules the next. */
export const chain = internalMutation({
  args: { left: v.number() },
  handler: async ({ db, scheduler }, { left }) => {
    await db.insert("items", { label: `step ${left}` });
    if (left > 1) await scheduler.runAfter(0, internal.scheduling.chain, { left: left - 1 });
  },
});

export const startChain = mutation({
  args: { steps: v.number() },
  handler: async ({ scheduler }, { steps }) => {
    await scheduler.runAfter(0, internal.scheduling.chain, { left: steps });
  },
});

/** The job as `db.system` shows it. */
export const job = query({
  args: { id: v.string() },
  handler: async ({ db }, { id }) => {
    const found = await db.system.get(id as Id<"_scheduled_functions">);
    if (found === null) return null;
    return { name: found.name, args: found.args as unknown[], state: found.state.kind };
  },
});

/** How many jobs have not ended. */
export const unfinished = query({
  args: {},
  handler: async ({ db }) => {
    const jobs = await db.system.query("_scheduled_functions").collect();
    return jobs.filter(
      ({ state, name }) =>
        !name.includes("ticking") && (state.kind === "pending" || state.kind === "inProgress"),
    ).length;
  },
});

export const many = mutation({
  args: { count: v.number() },
  handler: async ({ scheduler }, { count }) => {
    for (let i = 0; i < count; i++) {
      await scheduler.runAfter(3_600_000, internal.scheduling.note, { label: String(i) });
    }
    return count;
  },
});

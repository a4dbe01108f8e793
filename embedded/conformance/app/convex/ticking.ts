/** What the cron jobs do. */
import { v } from "convex/values";
import { internalMutation, query } from "./_generated/server";

export const tick = internalMutation({
  args: { by: v.optional(v.number()) },
  handler: async ({ db }, { by }) => {
    const found = await db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", "ticks"))
      .unique();
    if (found === null) await db.insert("counters", { name: "ticks", value: by ?? 1 });
    else await db.patch(found._id, { value: found.value + (by ?? 1) });
  },
});

export const ticks = query({
  args: {},
  handler: async ({ db }) => {
    const found = await db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", "ticks"))
      .unique();
    return found?.value ?? 0;
  },
});

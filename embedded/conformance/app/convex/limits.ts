/** Functions that reach a limit. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

/** Inserts `count` documents of about `bytes` each. */
export const insertMany = mutation({
  args: { count: v.number(), bytes: v.number() },
  handler: async ({ db }, { count, bytes }) => {
    const body = "x".repeat(bytes);
    for (let i = 0; i < count; i++) await db.insert("loose", { label: "many", body, i });
    return count;
  },
});

export const readAll = query({
  args: {},
  handler: async ({ db }) => (await db.query("loose").collect()).length,
});

export const manyQueries = query({
  args: { count: v.number() },
  handler: async ({ db }, { count }) => {
    for (let i = 0; i < count; i++) {
      await db
        .query("items")
        .withIndex("by_label", (q) => q.eq("label", String(i)))
        .first();
    }
    return count;
  },
});

export const deep = query({
  args: { depth: v.number() },
  handler: (_ctx, { depth }) => {
    let value: unknown = 1;
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  },
});

export const longArray = query({
  args: { length: v.number() },
  handler: (_ctx, { length }) => Array.from({ length }, () => 1),
});

export const bigResult = query({
  args: { bytes: v.number() },
  handler: (_ctx, { bytes }) => Array.from({ length: Math.ceil(bytes / 1e6) }, () => "x".repeat(1e6)),
});

export const size = query({
  args: { value: v.any() },
  handler: (_ctx, { value }) => JSON.stringify(value).length,
});

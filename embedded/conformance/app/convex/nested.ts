/** `ctx.runQuery` and `ctx.runMutation` inside queries and mutations: visibility, rollback, order. */
import { ConvexError, v } from "convex/values";
import { internal } from "./_generated/api";
import type { DatabaseReader } from "./_generated/server";
import { internalMutation, internalQuery, mutation, query } from "./_generated/server";

async function labelsOf(db: DatabaseReader): Promise<string[]> {
  return (await db.query("items").collect()).map(({ label }) => label);
}

export const labels = internalQuery({
  args: {},
  returns: v.array(v.string()),
  handler: async ({ db }): Promise<string[]> => await labelsOf(db),
});

export const add = internalMutation({
  args: { label: v.string(), fail: v.optional(v.boolean()) },
  returns: v.string(),
  handler: async ({ db }, { label, fail }): Promise<string> => {
    await db.insert("items", { label });
    if (fail === true) throw new ConvexError({ label, reason: "asked to fail" });
    return `added ${label}`;
  },
});

/** Adds two, the second in a child that fails when asked. */
export const addPair = internalMutation({
  args: { first: v.string(), second: v.string(), failSecond: v.boolean() },
  handler: async (ctx, { first, second, failSecond }): Promise<string> => {
    await ctx.db.insert("items", { label: first });
    return await ctx.runMutation(internal.nested.add, { label: second, fail: failSecond });
  },
});

export const queryInQuery = query({
  args: {},
  handler: async (ctx): Promise<string[]> => await ctx.runQuery(internal.nested.labels, {}),
});

/** The parent's writes, a child's writes, and what each of them sees. */
export const seesWrites = mutation({
  args: {},
  handler: async (ctx): Promise<string[][]> => {
    await ctx.db.insert("items", { label: "parent before" });
    const before = await ctx.runQuery(internal.nested.labels, {});
    await ctx.runMutation(internal.nested.add, { label: "child" });
    const after = await labelsOf(ctx.db);
    return [before, after];
  },
});

/** A child fails and is caught: its writes vanish, the parent's stay. */
export const partialRollback = mutation({
  args: {},
  handler: async (ctx): Promise<unknown> => {
    await ctx.db.insert("items", { label: "before" });
    let caught: unknown = null;
    try {
      await ctx.runMutation(internal.nested.add, { label: "lost", fail: true });
    } catch (error) {
      caught = error instanceof ConvexError ? { data: error.data as unknown } : String(error);
    }
    await ctx.db.insert("items", { label: "after" });
    return { caught, labels: await labelsOf(ctx.db) };
  },
});

/** The failure of a grandchild undoes the child too, and nothing more. */
export const deepRollback = mutation({
  args: {},
  handler: async (ctx): Promise<string[]> => {
    await ctx.runMutation(internal.nested.addPair, { first: "kept 1", second: "kept 2", failSecond: false });
    await ctx
      .runMutation(internal.nested.addPair, { first: "lost 1", second: "lost 2", failSecond: true })
      .catch(() => null);
    return await labelsOf(ctx.db);
  },
});

/** Children started together: each is whole, the failing one alone is undone. */
export const parallelChildren = mutation({
  args: {},
  handler: async (ctx): Promise<{ outcomes: string[]; labels: string[] }> => {
    const settled = await Promise.allSettled([
      ctx.runMutation(internal.nested.add, { label: "one" }),
      ctx.runMutation(internal.nested.add, { label: "two", fail: true }),
      ctx.runMutation(internal.nested.add, { label: "three" }),
    ]);
    return { outcomes: settled.map(({ status }) => status), labels: (await labelsOf(ctx.db)).sort() };
  },
});

/** The parent writes while a child that will fail is running: the parent's writes must stay. */
export const parentWritesMeanwhile = mutation({
  args: {},
  handler: async (ctx): Promise<string[]> => {
    const child = ctx.runMutation(internal.nested.add, { label: "lost", fail: true }).catch(() => null);
    await ctx.db.insert("items", { label: "meanwhile" });
    await child;
    await ctx.db.insert("items", { label: "afterwards" });
    return (await labelsOf(ctx.db)).sort();
  },
});

/** An uncaught failure of a child is the parent's. */
export const childFails = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("items", { label: "lost too" });
    await ctx.runMutation(internal.nested.add, { label: "lost", fail: true });
  },
});

/** A child's arguments are checked like anybody's. */
export const wrongChildArgs = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.runMutation(internal.nested.add, { label: 1 as unknown as string });
  },
});

/** Calls itself `depth` times. */
export const recurse = internalMutation({
  args: { depth: v.number() },
  handler: async (ctx, { depth }): Promise<number> => {
    if (depth === 0) return 0;
    return 1 + (await ctx.runMutation(internal.nested.recurse, { depth: depth - 1 }));
  },
});

export const startRecursion = mutation({
  args: { depth: v.number() },
  handler: async (ctx, { depth }): Promise<number> =>
    await ctx.runMutation(internal.nested.recurse, { depth }),
});

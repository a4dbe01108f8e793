/** Reads and writes as the caller describes them. */
import { v } from "convex/values";
import { api } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";
import { runQuery, runWrite } from "./runSpec";
import type { QuerySpec, WriteSpec } from "./spec";

export const find = query({
  args: { spec: v.any() },
  handler: async ({ db }, { spec }) => await runQuery(db, spec as QuerySpec),
});

/** Several queries in one snapshot. */
export const findAll = query({
  args: { specs: v.array(v.any()) },
  handler: async ({ db }, { specs }) => {
    const answers: unknown[] = [];
    for (const spec of specs as QuerySpec[]) answers.push(await runQuery(db, spec));
    return answers;
  },
});

/** Makes the writes in order; with `thenThrow` it fails after them. */
export const write = mutation({
  args: { writes: v.array(v.any()), thenThrow: v.optional(v.boolean()) },
  handler: async (ctx, { writes, thenThrow }) => {
    const ids: (string | null)[] = [];
    for (const each of writes as WriteSpec[]) ids.push(await runWrite(ctx, each));
    if (thenThrow === true) throw new Error("after the writes");
    return ids;
  },
});

/** Makes the writes, undoes further ones in a child that fails, and numbers the commit. */
export const writeNumbered = mutation({
  args: { writes: v.array(v.any()), lost: v.optional(v.array(v.any())) },
  handler: async (ctx, { writes, lost }): Promise<number> => {
    for (const each of writes as WriteSpec[]) await runWrite(ctx, each);
    if (lost !== undefined)
      await ctx.runMutation(api.rows.write, { writes: lost, thenThrow: true }).catch(() => null);
    const counter = await ctx.db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", "version"))
      .unique();
    const version = (counter?.value ?? 0) + 1;
    if (counter === null) await ctx.db.insert("counters", { name: "version", value: version });
    else await ctx.db.patch(counter._id, { value: version });
    return version;
  },
});

/** The number of the last numbered commit. */
export const version = query({
  args: {},
  handler: async ({ db }): Promise<number> =>
    (
      await db
        .query("counters")
        .withIndex("by_name", (q) => q.eq("name", "version"))
        .unique()
    )?.value ?? 0,
});

/** Writes, then reads in the same transaction. */
export const writeThenFind = mutation({
  args: { writes: v.array(v.any()), spec: v.any() },
  handler: async (ctx, { writes, spec }) => {
    for (const each of writes as WriteSpec[]) await runWrite(ctx, each);
    return await runQuery(ctx.db, spec as QuerySpec);
  },
});

/** Reads some rows of a query, writes, and reads on with the same query. */
export const writeWhileReading = mutation({
  args: { group: v.string() },
  handler: async ({ db }, { group }) => {
    const seen: string[] = [];
    const rows = db.query("items").withIndex("by_group_and_rank", (q) => q.eq("group", group));
    for await (const row of rows) {
      seen.push(row.label);
      if (row.label === "a")
        await db.insert("items", { label: "inserted", group, rank: (row.rank ?? 0) + 0.5 });
      if (seen.length > 10) break;
    }
    return seen;
  },
});

/** A query stopped early, another run inside its loop. */
export const interleaved = query({
  args: { group: v.string() },
  handler: async ({ db }, { group }) => {
    const pairs: string[] = [];
    const rows = () => db.query("items").withIndex("by_group_and_rank", (q) => q.eq("group", group));
    for await (const outer of rows()) {
      for await (const inner of rows().order("desc")) {
        pairs.push(`${outer.label}${inner.label}`);
        if (inner.label === outer.label) break;
      }
    }
    return pairs;
  },
});

export const get = query({
  args: { id: v.string() },
  handler: async ({ db }, { id }) => await db.get(id as Id<"items">),
});

/** `db.get` and its like with the table named. */
export const getFrom = query({
  args: { table: v.string(), id: v.string() },
  handler: async ({ db }, { table, id }) => await db.get(table as "items", id as Id<"items">),
});

export const normalize = query({
  args: { table: v.string(), id: v.string() },
  handler: async ({ db }, { table, id }) => db.normalizeId(table as "items", id),
});

export const insert = mutation({
  args: { table: v.string(), document: v.any() },
  handler: async ({ db }, { table, document }) => await db.insert(table as "items", document as never),
});

export const patch = mutation({
  args: { id: v.string(), fields: v.any(), unset: v.optional(v.array(v.string())) },
  handler: async ({ db }, { id, fields, unset }) => {
    const removed = Object.fromEntries((unset ?? []).map((name) => [name, undefined]));
    await db.patch(id as Id<"items">, { ...(fields as object), ...removed });
    return await db.get(id as Id<"items">);
  },
});

export const replace = mutation({
  args: { id: v.string(), document: v.any() },
  handler: async ({ db }, { id, document }) => {
    await db.replace(id as Id<"items">, document as never);
    return await db.get(id as Id<"items">);
  },
});

export const remove = mutation({
  args: { id: v.string() },
  handler: async ({ db }, { id }) => {
    await db.delete(id as Id<"items">);
    return await db.get(id as Id<"items">);
  },
});

/** Two paginated queries in one function, which Convex forbids. */
export const paginateTwice = query({
  args: {},
  handler: async ({ db }) => {
    await db.query("items").paginate({ numItems: 1, cursor: null });
    await db.query("items").paginate({ numItems: 1, cursor: null });
  },
});

/** Documents of a group, page by page, as `usePaginatedQuery` asks for them. */
export const page = query({
  args: { group: v.string(), paginationOpts: v.any() },
  handler: async ({ db }, { group, paginationOpts }) =>
    await db
      .query("items")
      .withIndex("by_group_and_rank", (q) => q.eq("group", group))
      .paginate(paginationOpts as { numItems: number; cursor: string | null }),
});

/** What the benchmark asks for. Generic builders: an app of one table needs no generated code. */
import { mutationGeneric, queryGeneric } from "convex/server";
import type { DataModelFromSchemaDefinition, MutationBuilder, QueryBuilder } from "convex/server";
import { v } from "convex/values";
import type schema from "./schema.ts";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
const query: QueryBuilder<DataModel, "public"> = queryGeneric;
const mutation: MutationBuilder<DataModel, "public"> = mutationGeneric;

export const get = query({
  args: { id: v.id("messages") },
  handler: async (ctx, { id }) => await ctx.db.get("messages", id),
});

export const channel = query({
  args: { channel: v.number() },
  handler: async (ctx, { channel }) =>
    await ctx.db
      .query("messages")
      .withIndex("by_channel", (q) => q.eq("channel", channel))
      .take(20),
});

export const insert = mutation({
  args: { channel: v.number(), body: v.string() },
  handler: async (ctx, message) => await ctx.db.insert("messages", message),
});

/** A mutation of the usual kind: reads one document by index and writes it back changed. */
export const touch = mutation({
  args: { channel: v.number(), body: v.string() },
  handler: async (ctx, { channel, body }) => {
    const found = await ctx.db
      .query("messages")
      .withIndex("by_channel", (q) => q.eq("channel", channel))
      .first();
    if (found) await ctx.db.patch("messages", found._id, { body });
  },
});

/** Messages `from` to `to`, `perChannel` to a channel; answers with their ids. */
export const insertMany = mutation({
  args: { from: v.number(), to: v.number(), perChannel: v.number() },
  handler: async (ctx, { from, to, perChannel }) => {
    const ids: string[] = [];
    for (let n = from; n < to; n++) {
      const message = { channel: Math.floor(n / perChannel), body: `message ${n}` };
      ids.push(await ctx.db.insert("messages", message));
    }
    return ids;
  },
});

/** What simulated clients do under load and through crashes. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

/** One numbered entry of a client, and a shared counter raised by one in the same transaction. */
export const append = mutation({
  args: { client: v.string(), n: v.number(), payload: v.optional(v.string()) },
  handler: async ({ db }, { client, n, payload }) => {
    await db.insert("entries", { client, n, ...(payload === undefined ? {} : { payload }) });
    const counter = await db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", "appended"))
      .unique();
    if (counter === null) await db.insert("counters", { name: "appended", value: 1 });
    else await db.patch(counter._id, { value: counter.value + 1 });
    return n;
  },
});

/** What clients have written after a moment (exclusive), in the order of writing; a page of it, and where it ends. */
export const writtenAfter = query({
  args: { after: v.number(), take: v.number() },
  handler: async ({ db }, { after, take }) => {
    const found = await db
      .query("entries")
      .withIndex("by_creation_time", (q) => q.gt("_creationTime", after))
      .take(take);
    return {
      entries: found.map(({ client, n }): [string, number] => [client, n]),
      last: found.at(-1)?._creationTime ?? after,
    };
  },
});

/** The greatest number that a client has written, or -1; cheap to keep subscribed. */
export const tail = query({
  args: { client: v.string() },
  handler: async ({ db }, { client }) => {
    const last = await db
      .query("entries")
      .withIndex("by_client_and_n", (q) => q.eq("client", client))
      .order("desc")
      .first();
    return last?.n ?? -1;
  },
});

export const appended = query({
  args: {},
  handler: async ({ db }) =>
    (
      await db
        .query("counters")
        .withIndex("by_name", (q) => q.eq("name", "appended"))
        .unique()
    )?.value ?? 0,
});

/** Both sides of an invariant in one snapshot: they are equal whenever the snapshot is consistent. */
export const balance = query({
  args: {},
  handler: async ({ db }) => {
    const entries = (await db.query("entries").collect()).length;
    const counter = await db
      .query("counters")
      .withIndex("by_name", (q) => q.eq("name", "appended"))
      .unique();
    return { entries, counted: counter?.value ?? 0 };
  },
});

/** Full text and vectors. */
import { v } from "convex/values";
import { api } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, mutation, query } from "./_generated/server";

export const addArticles = mutation({
  args: { articles: v.array(v.object({ title: v.string(), body: v.string(), category: v.string() })) },
  handler: async ({ db }, { articles }) => {
    for (const article of articles) await db.insert("articles", article);
  },
});

export const editArticle = mutation({
  args: { title: v.string(), body: v.union(v.string(), v.null()) },
  handler: async ({ db }, { title, body }) => {
    const found = (await db.query("articles").collect()).find((each) => each.title === title);
    if (found === undefined) return;
    if (body === null) await db.delete(found._id);
    else await db.patch(found._id, { body });
  },
});

export const titles = query({
  args: { text: v.string(), category: v.optional(v.string()), take: v.optional(v.number()) },
  handler: async ({ db }, { text, category, take }) => {
    const found = await db
      .query("articles")
      .withSearchIndex("search_body", (q) => {
        const searched = q.search("body", text);
        return category === undefined ? searched : searched.eq("category", category);
      })
      .take(take ?? 100);
    return found.map(({ title }) => title);
  },
});

export const addPoints = mutation({
  args: {
    points: v.array(v.object({ name: v.string(), color: v.string(), embedding: v.array(v.float64()) })),
  },
  handler: async ({ db }, { points }) => {
    for (const point of points) await db.insert("points", point);
  },
});

export const pointName = query({
  args: { id: v.id("points") },
  handler: async ({ db }, { id }): Promise<string | null> => (await db.get(id))?.name ?? null,
});

export const nearest = action({
  args: { vector: v.array(v.float64()), limit: v.number(), colors: v.optional(v.array(v.string())) },
  handler: async (ctx, { vector, limit, colors }): Promise<[string | null, number][]> => {
    const found = await ctx.vectorSearch("points", "by_embedding", {
      vector,
      limit,
      ...(colors === undefined
        ? {}
        : { filter: (q) => q.or(...colors.map((color) => q.eq("color", color))) }),
    });
    const named: [string | null, number][] = [];
    for (const { _id, _score } of found) {
      const name: string | null = await ctx.runQuery(api.searching.pointName, { id: _id as Id<"points"> });
      named.push([name, Math.round(_score * 1e4) / 1e4]);
    }
    return named;
  },
});

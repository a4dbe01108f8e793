import { v } from "convex/values";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { action, internalQuery, query } from "./_generated/server";
import { requireProject, requireReader } from "./model/access.ts";
import { embed } from "./model/embed.ts";

const MAX_RESULTS = 50;
const MAX_QUERY = 400;

const vHit = v.object({ path: v.string(), startLine: v.number(), endLine: v.number(), text: v.string() });
type Hit = { path: string; startLine: number; endLine: number; text: string };

function boundedLimit(limit = 10): number {
  return Math.max(1, Math.min(MAX_RESULTS, Math.floor(limit)));
}

/** The pieces of a project's source that hold the words of `query`, best first: 10, or `limit` up to 50. */
export const code = query({
  args: { project: v.string(), query: v.string(), limit: v.optional(v.number()) },
  returns: v.array(vHit),
  handler: async (ctx, { project: ref, query: words, limit }) => {
    const caller = await requireReader(ctx);
    const { namespace } = await requireProject(ctx, caller, ref);
    const wanted = words.trim().slice(0, MAX_QUERY);
    if (wanted === "") return [];
    const chunks = await ctx.db
      .query("codeChunks")
      .withSearchIndex("search_text", (q) => q.search("text", wanted).eq("namespace", namespace))
      .take(boundedLimit(limit));
    return chunks.map(({ path, startLine, endLine, text }) => ({ path, startLine, endLine, text }));
  },
});

/**
 * As `search:code`, by what `query` means, where an embeddings endpoint is configured.
 * @throws ConvexError `setup` where none is
 */
export const byMeaning = action({
  args: { project: v.string(), query: v.string(), limit: v.optional(v.number()) },
  returns: v.array(vHit),
  handler: async (ctx, { project, query: text, limit }): Promise<Hit[]> => {
    const namespace: string = await ctx.runQuery(internal.search.requireNamespace, { project });
    const [vector] = await embed([text.slice(0, MAX_QUERY)]);
    const found = await ctx.vectorSearch("codeEmbeddings", "by_embedding", {
      vector: vector!,
      limit: boundedLimit(limit),
      filter: (q) => q.eq("namespace", namespace),
    });
    return await ctx.runQuery(internal.search.hits, { ids: found.map((one) => one._id), namespace });
  },
});

/** The search namespace of a project, for those who may read it: the action's caller is the query's too. */
export const requireNamespace = internalQuery({
  args: { project: v.string() },
  returns: v.string(),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    return (await requireProject(ctx, caller, ref)).namespace;
  },
});

export const hits = internalQuery({
  args: { ids: v.array(v.id("codeEmbeddings")), namespace: v.string() },
  returns: v.array(vHit),
  handler: async (ctx, { ids, namespace }) => {
    const chunks = await Promise.all(
      ids.map(async (id: Id<"codeEmbeddings">) => {
        const embedding = await ctx.db.get("codeEmbeddings", id);
        return embedding && (await ctx.db.get("codeChunks", embedding.chunkId));
      }),
    );
    return chunks.flatMap((chunk) =>
      chunk && chunk.namespace === namespace
        ? [{ path: chunk.path, startLine: chunk.startLine, endLine: chunk.endLine, text: chunk.text }]
        : [],
    );
  },
});

import { v } from "convex/values";
import { internal } from "./_generated/api";
import type { Id } from "./_generated/dataModel";
import { internalAction, internalMutation, internalQuery } from "./_generated/server";
import { chunksOf } from "./model/code.ts";
import { embed } from "./model/embed.ts";

/** Runs by schedule once a file was indexed: has its chunks embedded, 16 in one request. */
export const embedFile = internalAction({
  args: { projectId: v.id("projects"), path: v.string() },
  returns: v.null(),
  handler: async (ctx, { projectId, path }) => {
    const chunks: { chunkId: Id<"codeChunks">; text: string }[] = await ctx.runQuery(
      internal.embeddings.fileChunks,
      { projectId, path },
    );
    for (let start = 0; start < chunks.length; start += 16) {
      const batch = chunks.slice(start, start + 16);
      const vectors = await embed(batch.map((chunk) => chunk.text));
      const embeddings = batch.map(({ chunkId }, index) => ({ chunkId, embedding: vectors[index]! }));
      await ctx.runMutation(internal.embeddings.saveEmbeddings, { embeddings });
    }
    return null;
  },
});

export const fileChunks = internalQuery({
  args: { projectId: v.id("projects"), path: v.string() },
  returns: v.array(v.object({ chunkId: v.id("codeChunks"), text: v.string() })),
  handler: async (ctx, { projectId, path }) => {
    const chunks = await chunksOf(ctx, projectId, path);
    return chunks.map(({ _id, text }) => ({ chunkId: _id, text }));
  },
});

/** Keeps the embeddings of those chunks that are still there: the file may have changed in between. */
export const saveEmbeddings = internalMutation({
  args: {
    embeddings: v.array(v.object({ chunkId: v.id("codeChunks"), embedding: v.array(v.float64()) })),
  },
  returns: v.null(),
  handler: async (ctx, { embeddings }) => {
    for (const { chunkId, embedding } of embeddings) {
      const chunk = await ctx.db.get("codeChunks", chunkId);
      if (!chunk) continue;
      const { projectId, namespace } = chunk;
      const known = await ctx.db
        .query("codeEmbeddings")
        .withIndex("by_chunk", (q) => q.eq("chunkId", chunkId))
        .unique();
      if (known) await ctx.db.patch("codeEmbeddings", known._id, { embedding });
      else await ctx.db.insert("codeEmbeddings", { projectId, chunkId, namespace, embedding });
    }
    return null;
  },
});

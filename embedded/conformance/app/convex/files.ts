/** File storage. */
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalQuery, mutation, query } from "./_generated/server";

export const metadata = query({
  args: { id: v.id("_storage") },
  handler: async ({ db }, { id }) => {
    const found = await db.system.get(id);
    if (found === null) return null;
    const { size, sha256, contentType } = found;
    return { size, sha256, contentType: contentType ?? null };
  },
});

export const count = internalQuery({
  args: {},
  handler: async ({ db }) => (await db.system.query("_storage").collect()).length,
});

/** Stores, reads back, deletes; tells what each step saw. */
export const roundTrip = action({
  args: { text: v.string(), contentType: v.string() },
  handler: async (ctx, { text, contentType }): Promise<unknown> => {
    const id = await ctx.storage.store(new Blob([text], { type: contentType }));
    const back = await ctx.storage.get(id);
    const during = await ctx.runQuery(internal.files.count, {});
    const hasUrl = (await ctx.storage.getUrl(id)) !== null;
    await ctx.storage.delete(id);
    return {
      text: back === null ? null : await back.text(),
      during,
      hasUrl,
      after: await ctx.runQuery(internal.files.count, {}),
      urlAfter: await ctx.storage.getUrl(id),
      blobAfter: (await ctx.storage.get(id)) === null,
    };
  },
});

export const store = action({
  args: { text: v.string(), contentType: v.optional(v.string()) },
  handler: async (ctx, { text, contentType }): Promise<string> =>
    await ctx.storage.store(new Blob([text], contentType === undefined ? {} : { type: contentType })),
});

export const uploadUrl = mutation({
  args: {},
  handler: async ({ storage }) => await storage.generateUploadUrl(),
});

export const url = query({
  args: { id: v.id("_storage") },
  handler: async ({ storage }, { id }) => await storage.getUrl(id),
});

export const remove = mutation({
  args: { id: v.id("_storage"), thenThrow: v.optional(v.boolean()) },
  handler: async ({ storage }, { id, thenThrow }) => {
    await storage.delete(id);
    if (thenThrow === true) throw new Error("keep it");
  },
});

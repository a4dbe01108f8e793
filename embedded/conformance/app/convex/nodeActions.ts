"use node";
/** Actions with Node's own modules. */
import { createHash } from "node:crypto";
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action } from "./_generated/server";

export const sha256 = action({
  args: { text: v.string() },
  returns: v.string(),
  handler: (_ctx, { text }) => Promise.resolve(createHash("sha256").update(text).digest("hex")),
});

export const labels = action({
  args: {},
  handler: async (ctx): Promise<string[]> => await ctx.runQuery(internal.nested.labels, {}),
});

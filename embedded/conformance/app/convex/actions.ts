/** Actions: they call queries and mutations, each its own transaction. */
import { ConvexError, v } from "convex/values";
import { api, internal } from "./_generated/api";
import { action, internalAction } from "./_generated/server";

export const readAndWrite = action({
  args: { label: v.string() },
  handler: async (ctx, { label }): Promise<string[]> => {
    await ctx.runMutation(internal.nested.add, { label });
    return await ctx.runQuery(internal.nested.labels, {});
  },
});

/** A mutation that failed inside an action leaves nothing; one before it stays. */
export const failHalfway = action({
  args: {},
  handler: async (ctx): Promise<string> => {
    await ctx.runMutation(internal.nested.add, { label: "stays" });
    try {
      await ctx.runMutation(internal.nested.add, { label: "goes", fail: true });
    } catch (error) {
      return error instanceof ConvexError ? JSON.stringify(error.data) : String(error);
    }
    return "nothing failed";
  },
});

export const inner = internalAction({
  args: { n: v.number() },
  returns: v.number(),
  handler: (_ctx, { n }) => Promise.resolve(n * 2),
});

export const outer = action({
  args: { n: v.number() },
  handler: async (ctx, { n }): Promise<number> => await ctx.runAction(internal.actions.inner, { n }),
});

export const parallel = action({
  args: { labels: v.array(v.string()) },
  handler: async (ctx, { labels }): Promise<string[]> => {
    await Promise.all(labels.map((label) => ctx.runMutation(internal.nested.add, { label })));
    return (await ctx.runQuery(internal.nested.labels, {})).sort();
  },
});

/** Actions may use timers and fetch. */
export const wait = action({
  args: { ms: v.number() },
  handler: async (_ctx, { ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return "waited";
  },
});

export const fetchText = action({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => await (await fetch(url)).text(),
});

export const who = action({
  args: {},
  handler: async (ctx): Promise<[string | null, string | null]> => {
    const own = (await ctx.auth.getUserIdentity())?.tokenIdentifier ?? null;
    const inQuery = await ctx.runQuery(api.identity.whoami, {});
    return [own, inQuery?.tokenIdentifier ?? null];
  },
});

import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalMutation, mutation, query } from "./_generated/server";
import { actorOf, requireAdmin, requireInstanceAdmin, callerIfAny, requireProject } from "./model/access.ts";
import { issuedFields, registerIssued as registerFor, vIssued } from "./model/issuing.ts";
import { boundedPage } from "./model/pages.ts";
import {
  expiryOf,
  registerToken as register,
  requireVisibleToken,
  revokeToken as revoke,
} from "./model/tokens.ts";
import { signingKey, signToken } from "./model/signing.ts";
import { vRole } from "./model/validators.ts";

/** Makes a token known that was signed outside, so that it is listed. Its text is never sent here. */
export const registerToken = mutation({
  args: {
    tokenId: v.string(),
    role: vRole,
    subject: v.string(),
    project: v.optional(v.string()),
    verbs: v.optional(v.array(v.string())),
    note: v.optional(v.string()),
    /** ms since 1970. */
    expiresAt: v.number(),
  },
  returns: v.null(),
  handler: async (ctx, { project: ref, ...registration }) => {
    const caller = ref === undefined ? await requireInstanceAdmin(ctx) : await requireAdmin(ctx);
    const project = ref === undefined ? undefined : await requireProject(ctx, caller, ref);
    await register(ctx, actorOf(caller), { ...registration, projectId: project?._id });
    return null;
  },
});

const vTokenView = v.object({
  tokenId: v.string(),
  role: vRole,
  subject: v.string(),
  project: v.union(v.string(), v.null()),
  verbs: v.array(v.string()),
  note: v.union(v.string(), v.null()),
  issuedBy: v.string(),
  issuedAt: v.number(),
  expiresAt: v.number(),
  revokedAt: v.union(v.number(), v.null()),
});

/** The tokens that were registered or revoked, newest first, of one project or of all. Never the tokens themselves. */
export const listTokens = query({
  args: { project: v.optional(v.string()), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vTokenView),
  handler: async (ctx, { project: ref, paginationOpts }) => {
    const caller = ref === undefined ? await requireInstanceAdmin(ctx) : await requireAdmin(ctx);
    const project = ref === undefined ? undefined : await requireProject(ctx, caller, ref);
    const rows = project
      ? ctx.db
          .query("tokens")
          .withIndex("by_project", (q) => q.eq("projectId", project._id))
          .order("desc")
      : ctx.db.query("tokens").order("desc");
    const page = await rows.paginate(boundedPage(paginationOpts));
    const views = page.page.map(async (row) => ({
      tokenId: row.tokenId,
      role: row.role,
      subject: row.subject,
      project: (row.projectId && (await ctx.db.get("projects", row.projectId))?.slug) ?? null,
      verbs: row.verbs ?? [],
      note: row.note ?? null,
      issuedBy: row.issuedBy,
      issuedAt: row.issuedAt,
      expiresAt: row.expiresAt,
      revokedAt: row.revokedAt ?? null,
    }));
    return { ...page, page: await Promise.all(views) };
  },
});

/**
 * What the caller's token says and may do; null without one, with one that ended or was revoked, and with one of a project
 * that is gone: subscribed to, it tells a page when to sign out.
 */
export const whoAmI = query({
  args: {},
  returns: v.union(
    v.object({
      role: vRole,
      subject: v.string(),
      tokenId: v.string(),
      /** The one project that it is for. */
      project: v.union(
        v.object({ slug: v.string(), namespace: v.string(), projectId: v.id("projects") }),
        v.null(),
      ),
      /** Of an agent. */
      verbs: v.array(v.string()),
      /** ms since 1970; null where the token was never registered. */
      expiresAt: v.union(v.number(), v.null()),
    }),
    v.null(),
  ),
  handler: async (ctx) => {
    const caller = await callerIfAny(ctx);
    if (!caller) return null;
    const { role, subject, tokenId, verbs, scope } = caller;
    const own = scope === "all" || scope === "none" ? null : await ctx.db.get("projects", scope);
    return {
      ...{ role, subject, tokenId },
      project: own && { slug: own.slug, namespace: own.namespace, projectId: own._id },
      verbs: [...verbs],
      expiresAt: await expiryOf(ctx, tokenId),
    };
  },
});

/**
 * Makes a token where the deployment holds the signing key, which the embedded backend does. An action, as what a
 * mutation answers may be kept: the token is in this answer and nowhere else.
 * `agent` gives the verbs of its work; a caller of one project can make tokens of that project alone.
 * @throws ConvexError `setup` with the command to type where the deployment does not hold the key, `bad_request`
 */
export const createToken = action({
  args: issuedFields,
  returns: v.object({ token: v.string(), tokenId: v.string(), expiresAt: v.number() }),
  handler: async (ctx, args): Promise<{ token: string; tokenId: string; expiresAt: number }> => {
    const tokenId: string = crypto.randomUUID();
    const issued = await ctx.runMutation(internal.tokens.registerIssued, { ...args, tokenId });
    const token = await signToken({ ...issued, tokenId }, signingKey());
    return { token, tokenId, expiresAt: issued.expiresAt };
  },
});

/** The row of a token that {@link createToken} is about to sign: the action's caller is the mutation's too. */
export const registerIssued = internalMutation({
  args: { ...issuedFields, tokenId: v.string() },
  returns: vIssued,
  handler: async (ctx, { tokenId, ...request }) => {
    const caller = await requireAdmin(ctx);
    return await registerFor(ctx, caller, tokenId, request);
  },
});

/** Ends a token at once, everywhere, by its id. */
export const revokeToken = mutation({
  args: { tokenId: v.string() },
  returns: v.null(),
  handler: async (ctx, { tokenId }) => {
    const caller = await requireAdmin(ctx);
    await requireVisibleToken(ctx, caller, tokenId);
    await revoke(ctx, actorOf(caller), tokenId);
    return null;
  },
});

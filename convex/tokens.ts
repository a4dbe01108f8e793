import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { actorOf, requireAdmin, requireProject } from "./model/access.ts";
import { boundedPage } from "./model/pages.ts";
import { registerToken as register, revokeToken as revoke } from "./model/tokens.ts";
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
    const caller = await requireAdmin(ctx);
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
    const caller = await requireAdmin(ctx);
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

/** Ends a token at once, everywhere, by its id. */
export const revokeToken = mutation({
  args: { tokenId: v.string() },
  returns: v.null(),
  handler: async (ctx, { tokenId }) => {
    const caller = await requireAdmin(ctx);
    await revoke(ctx, actorOf(caller), tokenId);
    return null;
  },
});

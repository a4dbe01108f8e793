import { NAMESPACE, SLUG } from "../../core/naming.ts";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/** The project that `ref`, a slug, a namespace or an id, names; whoever may see it. */
export async function findProject(ctx: QueryCtx, ref: string): Promise<Doc<"projects"> | null> {
  if (NAMESPACE.test(ref)) {
    return await ctx.db
      .query("projects")
      .withIndex("by_namespace", (q) => q.eq("namespace", ref))
      .unique();
  }
  const bySlug = SLUG.test(ref) ? await findBySlug(ctx, ref) : null;
  if (bySlug) return bySlug;
  const id = ctx.db.normalizeId("projects", ref);
  return id && (await ctx.db.get("projects", id));
}

/** Projects and groups share one space of names. */
export async function isNameTaken(ctx: QueryCtx, name: string): Promise<boolean> {
  return (await findBySlug(ctx, name)) !== null || (await findGroup(ctx, name)) !== null;
}

export async function findGroup(ctx: QueryCtx, name: string): Promise<Doc<"groups"> | null> {
  return await ctx.db
    .query("groups")
    .withIndex("by_name", (q) => q.eq("name", name))
    .unique();
}

export async function findBySlug(ctx: QueryCtx, slug: string): Promise<Doc<"projects"> | null> {
  return await ctx.db
    .query("projects")
    .withIndex("by_slug", (q) => q.eq("slug", slug))
    .unique();
}

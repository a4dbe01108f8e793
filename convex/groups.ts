import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { actorOf, requireInstanceAdmin, requireProject, requireReader } from "./model/access.ts";
import * as groups from "./model/groups.ts";
import { boundedPage, lastPage } from "./model/pages.ts";

/** Makes a group, empty. `attachments` is a list of images, or of images with an alias (core/groups.ts). */
export const createGroup = mutation({
  args: { name: v.string(), attachments: v.optional(v.any()) },
  returns: v.object({ name: v.string(), namespace: v.string() }),
  handler: async (ctx, args) => {
    const caller = await requireInstanceAdmin(ctx);
    const { name, namespace } = await groups.createGroup(ctx, actorOf(caller), args);
    return { name, namespace };
  },
});

/** The groups; with a token of one project, that project's group alone. At most 20 a page. */
export const listGroups = query({
  args: { paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(groups.vGroupView),
  handler: async (ctx, { paginationOpts }) => {
    const caller = await requireReader(ctx);
    if (caller.scope !== "all") {
      const own = caller.scope === "none" ? null : await ctx.db.get("projects", caller.scope);
      const group = own?.groupId && (await ctx.db.get("groups", own.groupId));
      return lastPage(group ? [await groups.groupView(ctx, caller, group)] : []);
    }
    const page = await ctx.db.query("groups").paginate(boundedPage(paginationOpts, 20));
    return {
      ...page,
      page: await Promise.all(page.page.map((group) => groups.groupView(ctx, caller, group))),
    };
  },
});

/** Removes a group that has no members. */
export const deleteGroup = mutation({
  args: { group: v.string() },
  returns: v.null(),
  handler: async (ctx, { group }) => {
    const caller = await requireInstanceAdmin(ctx);
    await groups.deleteGroup(ctx, actorOf(caller), await groups.requireGroup(ctx, group));
    return null;
  },
});

/** Puts a project, of which nothing is on a host, into a group, or with `null` out of the one that it is in. */
export const setGroup = mutation({
  args: { project: v.string(), group: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { project: ref, group }) => {
    const caller = await requireInstanceAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    if (group === null) await groups.leaveGroup(ctx, actorOf(caller), project);
    else await groups.joinGroup(ctx, actorOf(caller), project, await groups.requireGroup(ctx, group));
    return null;
  },
});

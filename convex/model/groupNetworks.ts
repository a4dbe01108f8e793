import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { MAX_GROUP_MEMBERS } from "../../core/groups.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { refuse } from "./refuse.ts";
import { allocateSubnet, releaseSubnet } from "./subnets.ts";

/** A group's network of one kind is there as long as a member's environment of that kind is. */

export async function membersOf(ctx: QueryCtx, groupId: Id<"groups">): Promise<Doc<"projects">[]> {
  return await ctx.db
    .query("projects")
    .withIndex("by_group", (q) => q.eq("groupId", groupId))
    .take(MAX_GROUP_MEMBERS);
}

/** Gives the group its network of `kind` where it has none yet. */
export async function joinNetwork(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  groupId: Id<"groups">,
  kind: EnvironmentKind,
): Promise<void> {
  const group = await requireGroup(ctx, groupId);
  if (group.subnets[kind]) return;
  const subnet = await allocateSubnet(ctx, actor, project, { id: groupId, kind, which: "group" });
  await ctx.db.patch("groups", groupId, { subnets: { ...group.subnets, [kind]: subnet } });
}

/** Gives the group's network of `kind` back where no member's environment of that kind is left. */
export async function leaveNetwork(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  groupId: Id<"groups">,
  kind: EnvironmentKind,
): Promise<void> {
  const group = await requireGroup(ctx, groupId);
  if (!group.subnets[kind]) return;
  for (const member of await membersOf(ctx, groupId)) {
    const row = await ctx.db
      .query("environments")
      .withIndex("by_project_and_kind", (q) => q.eq("projectId", member._id).eq("kind", kind))
      .unique();
    if (row?.subnet) return;
  }
  await releaseSubnet(ctx, actor, project, { id: groupId, kind, which: "group" });
  await ctx.db.patch("groups", groupId, { subnets: { ...group.subnets, [kind]: undefined } });
}

export async function replaceGroupSubnet(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  kind: EnvironmentKind,
  taken: { subnet: string; reason: string },
): Promise<string> {
  const group = project.groupId && (await requireGroup(ctx, project.groupId));
  if (!group || !group.subnets[kind]) {
    refuse({
      code: "not_found",
      message: `${project.slug} ${kind} has no group subnet to replace.`,
      hint: "Read the project again.",
    });
  }
  if (group.subnets[kind] !== taken.subnet) return group.subnets[kind];
  const owner = { id: group._id, kind, which: "group" as const };
  await releaseSubnet(ctx, actor, project, owner, { reason: taken.reason });
  const subnet = await allocateSubnet(ctx, actor, project, owner);
  await ctx.db.patch("groups", group._id, { subnets: { ...group.subnets, [kind]: subnet } });
  return subnet;
}

async function requireGroup(ctx: QueryCtx, groupId: Id<"groups">): Promise<Doc<"groups">> {
  const group = await ctx.db.get("groups", groupId);
  if (!group) throw new Error(`The group ${groupId} has members and no row`);
  return group;
}

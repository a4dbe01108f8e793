import { v } from "convex/values";
import {
  MAX_GROUP_MEMBERS,
  makeGroupNamespace,
  parseGroupAttachments,
  vGroupName,
} from "../../core/groups.ts";
import { networkNames, refuseGroupsNames } from "../../core/groupNames.ts";
import type { GroupSpec } from "../../core/projectSpec.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { canSee, type Caller } from "./access.ts";
import { environmentsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { findGroup, isNameTaken } from "./find.ts";
import { membersOf } from "./groupNetworks.ts";
import { manifestOf } from "./manifests.ts";
import { refuse, refusing } from "./refuse.ts";
import { vAttachment, vDesired } from "./validators.ts";

export async function createGroup(
  ctx: MutationCtx,
  actor: Actor,
  { name, attachments }: { name: string; attachments?: unknown },
): Promise<Doc<"groups">> {
  if (!vGroupName.safeParse(name).success) {
    refuse({
      code: "bad_request",
      message: `"${name.slice(0, 60)}" is no group's name.`,
      path: "name",
      hint: "Use lower-case letters, digits and -.",
    });
  }
  if (await isNameTaken(ctx, name)) {
    refuse({ code: "name_taken", message: `The name "${name}" is taken.`, path: "name" });
  }
  const id = await ctx.db.insert("groups", {
    name,
    namespace: makeGroupNamespace(Date.now(), Math.random),
    attachments: refusing(() => parseGroupAttachments(attachments)),
    subnets: {},
  });
  await recordEvent(ctx, { type: "group.created", actor, to: name, message: `The group ${name} was made.` });
  return (await ctx.db.get("groups", id))!;
}

export async function requireGroup(ctx: QueryCtx, name: string): Promise<Doc<"groups">> {
  const group = await findGroup(ctx, name);
  if (group) return group;
  return refuse({
    code: "not_found",
    message: `There is no group "${name.slice(0, 60)}".`,
    hint: "slipway group list shows the groups.",
  });
}

/** An empty group, gone. One with members stays. */
export async function deleteGroup(ctx: MutationCtx, actor: Actor, group: Doc<"groups">): Promise<void> {
  const members = await membersOf(ctx, group._id);
  if (members.length > 0) {
    refuse({
      code: "bad_request",
      message: `The group ${group.name} has ${members.length} members: ${members.map((one) => one.slug).join(", ")}.`,
      hint: "Take them out of it, or delete them, first.",
    });
  }
  await ctx.db.delete("groups", group._id);
  await recordEvent(ctx, {
    type: "group.deleted",
    actor,
    from: group.name,
    message: `The group ${group.name} is gone.`,
  });
}

/** Puts a new project into the group of this name, which is made where there is none. */
export async function joinByName(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  name: string,
): Promise<void> {
  const group = (await findGroup(ctx, name)) ?? (await createGroup(ctx, actor, { name }));
  await joinGroup(ctx, actor, project, group);
}

export async function joinGroup(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  group: Doc<"groups">,
): Promise<void> {
  if (project.groupId === group._id) return;
  if (project.groupId !== undefined) {
    refuse({
      code: "bad_request",
      message: `${project.slug} is in the group ${await groupName(ctx, project)} already, and can be in one alone.`,
      hint: "Take it out of that one first.",
    });
  }
  if (project.hostId !== undefined && group.hostId !== undefined && project.hostId !== group.hostId) {
    refuse({
      code: "bad_request",
      message: `${project.slug} lives on another host than the members of ${group.name}.`,
      hint: "Make the project anew in that group.",
    });
  }
  if ((await membersOf(ctx, group._id)).length >= MAX_GROUP_MEMBERS) {
    refuse({
      code: "bad_request",
      message: `The group ${group.name} has ${MAX_GROUP_MEMBERS} members: it is full.`,
    });
  }
  await refuseWhileThere(ctx, project);
  await refuseSameNames(ctx, project, group);
  await ctx.db.patch("projects", project._id, { groupId: group._id });
  if (project.hostId !== undefined && group.hostId === undefined) {
    await ctx.db.patch("groups", group._id, { hostId: project.hostId });
  }
  await recordEvent(ctx, {
    type: "group.joined",
    actor,
    project,
    to: group.name,
    message: `${project.slug} joined the group ${group.name}.`,
  });
}

export async function leaveGroup(ctx: MutationCtx, actor: Actor, project: Doc<"projects">): Promise<void> {
  if (project.groupId === undefined) return;
  await refuseWhileThere(ctx, project);
  const name = await groupName(ctx, project);
  await ctx.db.patch("projects", project._id, { groupId: undefined });
  await forgetHostWithoutMembers(ctx, project.groupId, project._id);
  await recordEvent(ctx, {
    type: "group.left",
    actor,
    project,
    from: name ?? undefined,
    message: `${project.slug} left the group ${name}.`,
  });
}

/** Networks cannot be exchanged under what runs: everything of the project must be gone from its host first. */
async function refuseWhileThere(ctx: QueryCtx, project: Doc<"projects">): Promise<void> {
  const there = (await environmentsOf(ctx, project._id)).filter(
    (row) => row.desired !== "absent" || row.subnet !== undefined,
  );
  if (there.length === 0) return;
  refuse({
    code: "guard_failed",
    message: `${project.slug} cannot change its group while its ${there.map((row) => row.kind).join(" and ")} is there.`,
    hint: "Move it to failed and then to planning first; its volumes are kept.",
  });
}

/**
 * A service is on its project's network and on the group's, and a name that both know would be answered at random: so
 * no member may be called as another's service is, and no attachment as a service is.
 */
async function refuseSameNames(ctx: QueryCtx, project: Doc<"projects">, group: Doc<"groups">): Promise<void> {
  const manifest = await manifestOf(ctx, project);
  const attachments = parseGroupAttachments(group.attachments);
  refusing(() => refuseGroupsNames(manifest, { name: group.name, attachments }));
  const own = networkNames(manifest);
  for (const member of await membersOf(ctx, group._id)) {
    if (member._id === project._id) continue;
    const others = networkNames(await manifestOf(ctx, member));
    const clash = own.has(member.slug) ? member.slug : others.has(project.slug) ? project.slug : null;
    if (clash === null) continue;
    refuse({
      code: "bad_request",
      message: `${project.slug} cannot join ${group.name}: "${clash}" is a member, and a service or attachment of another.`,
      hint: `Give the service of ${clash === project.slug ? member.slug : project.slug} another name.`,
    });
  }
}

/** A group without members is bound to no host. */
export async function forgetHostWithoutMembers(
  ctx: MutationCtx,
  groupId: Id<"groups">,
  leaving: Id<"projects">,
): Promise<void> {
  const others = (await membersOf(ctx, groupId)).filter((member) => member._id !== leaving);
  if (others.length === 0) await ctx.db.patch("groups", groupId, { hostId: undefined });
}

export async function groupName(ctx: QueryCtx, project: Doc<"projects">): Promise<string | null> {
  return (project.groupId && (await ctx.db.get("groups", project.groupId))?.name) ?? null;
}

const vSubnets = v.object({
  dev: v.optional(v.string()),
  test: v.optional(v.string()),
  deploy: v.optional(v.string()),
});

export const vGroupSpec = v.object({
  name: v.string(),
  namespace: v.string(),
  attachments: v.array(vAttachment),
  desired: v.object({ dev: vDesired, test: vDesired, deploy: vDesired }),
  subnets: vSubnets,
});

/** What a worker needs to know of the project's group. */
export async function groupSpec(ctx: QueryCtx, project: Doc<"projects">) {
  const group = project.groupId && (await ctx.db.get("groups", project.groupId));
  if (!group) return null;
  return await specOfGroup(ctx, group);
}

async function specOfGroup(ctx: QueryCtx, group: Doc<"groups">): Promise<GroupSpec> {
  const { name, namespace, subnets } = group;
  const desired: GroupSpec["desired"] = { dev: "absent", test: "absent", deploy: "absent" };
  for (const member of await membersOf(ctx, group._id)) {
    for (const row of await environmentsOf(ctx, member._id)) {
      if (WANTING.indexOf(row.desired) > WANTING.indexOf(desired[row.kind])) desired[row.kind] = row.desired;
    }
  }
  return { name, namespace, attachments: parseGroupAttachments(group.attachments), desired, subnets };
}

/** Each wants more of what the group has than the one before. */
const WANTING = ["absent", "hibernated", "running"] as const;

export const vGroupView = v.object({
  name: v.string(),
  namespace: v.string(),
  attachments: v.array(vAttachment),
  desired: v.object({ dev: vDesired, test: vDesired, deploy: vDesired }),
  subnets: vSubnets,
  /** The slugs of those members that the caller may see. */
  projects: v.array(v.string()),
});

export async function groupView(ctx: QueryCtx, caller: Caller, group: Doc<"groups">) {
  const members = await membersOf(ctx, group._id);
  return {
    ...(await specOfGroup(ctx, group)),
    projects: members.filter((member) => canSee(caller, member._id)).map((member) => member.slug),
  };
}

import { STATUSES, type Status } from "../../core/lifecycle.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/**
 * How many projects are in each status, and how many live on each host: kept in the transactions that change it, as to
 * count rows would read all of them.
 */

/** More parts make conflicts of concurrent moves rarer and the sum dearer. */
const SHARDS = 16;

type Counted = Pick<Doc<"projects">, "_id" | "status" | "hostId" | "counted">;

/**
 * Counts a change of a project: made (`before` null), moved, or gone (`after` null). What is written of it has to say
 * `counted: true`. A row from before there were counts has not been counted yet, so nothing is taken away for it.
 */
export async function countProject(
  ctx: MutationCtx,
  before: Counted | null,
  after: Counted | null,
): Promise<void> {
  const was = before?.counted ? before : null;
  const projectId = (before ?? after)?._id;
  if (projectId === undefined) return;
  if (was?.status !== after?.status) await addToStatuses(ctx, projectId, was?.status, after?.status);
  if (was?.hostId === after?.hostId) return;
  if (was?.hostId) await addToHost(ctx, was.hostId, -1);
  if (after?.hostId) await addToHost(ctx, after.hostId, 1);
}

async function addToStatuses(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  from: Status | undefined,
  to: Status | undefined,
): Promise<void> {
  const shard = shardOf(projectId);
  const row = await ctx.db
    .query("projectCounts")
    .withIndex("by_shard", (q) => q.eq("shard", shard))
    .unique();
  const counts = { ...row?.counts };
  if (from) counts[from] = (counts[from] ?? 0) - 1;
  if (to) counts[to] = (counts[to] ?? 0) + 1;
  if (row) await ctx.db.patch("projectCounts", row._id, { counts });
  else await ctx.db.insert("projectCounts", { shard, counts });
}

async function addToHost(ctx: MutationCtx, hostId: Id<"hosts">, change: number): Promise<void> {
  const load = await ctx.db
    .query("hostLoads")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
  if (load) await ctx.db.patch("hostLoads", load._id, { projects: (load.projects ?? 0) + change });
}

function shardOf(projectId: Id<"projects">): number {
  let sum = 0;
  for (const character of projectId) sum = (sum * 31 + character.charCodeAt(0)) % 65_521;
  return sum % SHARDS;
}

export type StatusCounts = Record<Status, number>;

export function noneCounted(): StatusCounts {
  return Object.fromEntries(STATUSES.map((status) => [status, 0])) as StatusCounts;
}

/** Over all projects. */
export async function statusCounts(ctx: QueryCtx): Promise<StatusCounts> {
  const total = noneCounted();
  for (const { counts } of await ctx.db.query("projectCounts").take(SHARDS)) {
    for (const status of STATUSES) total[status] += counts[status] ?? 0;
  }
  return total;
}

/** Whether there is a project that no count has. */
export async function hasUncounted(ctx: QueryCtx): Promise<boolean> {
  return (await uncounted(ctx, 1)).length > 0;
}

/** Counts one page of projects from before there were counts. @returns whether there may be more */
export async function countPage(ctx: MutationCtx, page: number): Promise<boolean> {
  const projects = await uncounted(ctx, page);
  for (const project of projects) {
    await countProject(ctx, project, project);
    await ctx.db.patch("projects", project._id, { counted: true });
  }
  return projects.length === page;
}

async function uncounted(ctx: QueryCtx, count: number): Promise<Doc<"projects">[]> {
  return await ctx.db
    .query("projects")
    .withIndex("by_counted", (q) => q.eq("counted", undefined))
    .take(count);
}

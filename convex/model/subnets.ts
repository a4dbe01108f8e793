import type { Infer } from "convex/values";
import { SlipwayError } from "../../core/errors.ts";
import { overlaps, parseCidr, parsePool, subnetAt, subnetCount, type Block } from "../../core/subnets.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse, refusing } from "./refuse.ts";
import { subnetPool } from "./settings.ts";
import type { vWhichSubnet } from "./validators.ts";

/**
 * Subnets are given out from the front: first those given back, then the next index never used. Neither looks at more
 * than two rows, at any size of the pool, and a subnet is the `owner` of at most one row: its own.
 */

export type WhichSubnet = Infer<typeof vWhichSubnet>;
/** A project's environment, or a group's network for one kind of environment. */
type Owner = { id: Id<"projects"> | Id<"groups">; kind: Doc<"environments">["kind"]; which: WhichSubnet };

/** How many pools a deployment may have had over its life; each is one row. */
const MAX_POOLS = 64;

/** A subnet that nobody else has, now `owner`'s, in CIDR form. */
export async function allocateSubnet(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  owner: Owner,
): Promise<string> {
  const text = subnetPool();
  const block = refusing(() => parsePool(text));
  const cidr = (await reuse(ctx, text, owner)) ?? (await cutNext(ctx, text, block, owner));
  await recordEvent(ctx, {
    type: "subnet.allocated",
    actor,
    project,
    environment: owner.kind,
    to: cidr,
    message: `${cidr} is now the ${owner.which} subnet of ${project.slug} ${owner.kind}.`,
  });
  return cidr;
}

async function reuse(ctx: MutationCtx, pool: string, owner: Owner): Promise<string | null> {
  const free = await ctx.db
    .query("subnets")
    .withIndex("by_pool_and_state", (q) => q.eq("pool", pool).eq("state", "free"))
    .first();
  if (!free) return null;
  await ctx.db.patch("subnets", free._id, { state: "used", owner });
  return free.cidr;
}

async function cutNext(ctx: MutationCtx, pool: string, block: Block, owner: Owner): Promise<string> {
  const row = await poolRow(ctx, pool, block);
  if (row.next >= subnetCount(block)) {
    refuse({
      code: "pool_exhausted",
      message: `All ${subnetCount(block)} subnets of ${pool} are in use.`,
      hint: "Delete projects that are no longer needed, or set SLIPWAY_SUBNET_POOL to a larger block.",
    });
  }
  const cidr = subnetAt(block, row.next);
  await ctx.db.patch("subnetPools", row._id, { next: row.next + 1 });
  await ctx.db.insert("subnets", { pool, cidr, state: "used", owner });
  return cidr;
}

async function poolRow(ctx: MutationCtx, pool: string, block: Block): Promise<Doc<"subnetPools">> {
  const known = await ctx.db
    .query("subnetPools")
    .withIndex("by_pool", (q) => q.eq("pool", pool))
    .unique();
  await refuseOverlap(ctx, pool, block);
  if (known) return known;
  const id = await ctx.db.insert("subnetPools", { pool, next: 0 });
  return (await ctx.db.get("subnetPools", id))!;
}

/** The pool that subnets come from, where it is one, then the others of which some are in use: nothing lies elsewhere. */
export async function poolsInUse(ctx: QueryCtx): Promise<string[]> {
  const present = subnetPool();
  const pools = isPool(present) ? [present] : [];
  for (const { pool } of await ctx.db.query("subnetPools").take(MAX_POOLS)) {
    if (!pools.includes(pool) && (await firstUsed(ctx, pool))) pools.push(pool);
  }
  return pools;
}

function isPool(text: string): boolean {
  try {
    parsePool(text);
    return true;
  } catch (error) {
    // Whoever next wants a subnet is told.
    if (error instanceof SlipwayError) return false;
    throw error;
  }
}

async function firstUsed(ctx: QueryCtx, pool: string): Promise<Doc<"subnets"> | null> {
  return await ctx.db
    .query("subnets")
    .withIndex("by_pool_and_state", (q) => q.eq("pool", pool).eq("state", "used"))
    .first();
}

/** Two pools that overlap would give one address to two owners: the other must be empty first. */
async function refuseOverlap(ctx: MutationCtx, pool: string, block: Block): Promise<void> {
  for (const other of await ctx.db.query("subnetPools").take(MAX_POOLS)) {
    if (other.pool === pool || !overlaps(parseCidr(other.pool), block)) continue;
    const used = await firstUsed(ctx, other.pool);
    if (!used) continue;
    refuse({
      code: "setup",
      message: `The subnet pool ${pool} overlaps ${other.pool}, from which ${used.cidr} is still in use.`,
      hint: `Set SLIPWAY_SUBNET_POOL to a block apart from ${other.pool}, or delete the projects that use it.`,
    });
  }
}

/** Gives `owner`'s subnet back, for others to have, or sets it aside for good where somebody outside Slipway has it. */
export async function releaseSubnet(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  owner: Owner,
  setAside?: { reason: string },
): Promise<void> {
  const row = await ctx.db
    .query("subnets")
    .withIndex("by_owner", (q) =>
      q.eq("owner.id", owner.id).eq("owner.kind", owner.kind).eq("owner.which", owner.which),
    )
    .unique();
  if (!row) throw new Error(`${project.slug} ${owner.kind} has no ${owner.which} subnet to give back`);
  await ctx.db.patch("subnets", row._id, {
    state: setAside ? "setAside" : "free",
    owner: undefined,
    reason: setAside?.reason,
  });
  await recordEvent(ctx, {
    type: setAside ? "subnet.setAside" : "subnet.released",
    actor,
    project,
    environment: owner.kind,
    from: row.cidr,
    reason: setAside?.reason,
    message: setAside ? `${row.cidr} is set aside: ${setAside.reason}` : `${row.cidr} is free again.`,
  });
}

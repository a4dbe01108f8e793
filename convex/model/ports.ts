import { parsePortRange, type PortRange } from "../../core/ports.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse, refusing } from "./refuse.ts";
import { portRange } from "./settings.ts";

/** Host ports are given out as subnets are: those given back first, then the next one never used on that host. */

type Owner = { projectId: Id<"projects">; kind: EnvironmentKind; service: string };

/** A port of `hostId` that nobody else has, now `owner`'s. */
export async function allocatePort(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  hostId: Id<"hosts">,
  owner: Owner,
): Promise<number> {
  const range = refusing(() => parsePortRange(portRange()));
  const port = (await reuse(ctx, hostId, range, owner)) ?? (await takeNext(ctx, hostId, range, owner));
  await recordEvent(ctx, {
    type: "port.allocated",
    actor,
    project,
    environment: owner.kind,
    to: String(port),
    message: `Port ${port} of the host is now ${project.slug} ${owner.kind} ${owner.service}'s.`,
  });
  return port;
}

async function reuse(
  ctx: MutationCtx,
  hostId: Id<"hosts">,
  { first, last }: PortRange,
  owner: Owner,
): Promise<number | null> {
  const free = await ctx.db
    .query("ports")
    .withIndex("by_host_state_and_port", (q) =>
      q.eq("hostId", hostId).eq("state", "free").gte("port", first).lte("port", last),
    )
    .first();
  if (!free) return null;
  await ctx.db.patch("ports", free._id, { state: "used", owner });
  return free.port;
}

async function takeNext(
  ctx: MutationCtx,
  hostId: Id<"hosts">,
  range: PortRange,
  owner: Owner,
): Promise<number> {
  const mark = await ctx.db
    .query("portMarks")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
  const inRange = mark && mark.next >= range.first && mark.next <= range.last + 1;
  const port = await firstUnknown(ctx, hostId, inRange ? mark.next : range.first, range);
  if (mark) await ctx.db.patch("portMarks", mark._id, { next: port + 1 });
  else await ctx.db.insert("portMarks", { hostId, next: port + 1 });
  await ctx.db.insert("ports", { hostId, port, state: "used", owner });
  return port;
}

/** The mark itself, but after a change of the range, when ports above it may have been given out before. */
async function firstUnknown(
  ctx: MutationCtx,
  hostId: Id<"hosts">,
  from: number,
  { first, last }: PortRange,
): Promise<number> {
  for (let port = from; port <= last; port++) {
    const known = await ctx.db
      .query("ports")
      .withIndex("by_host_and_port", (q) => q.eq("hostId", hostId).eq("port", port))
      .unique();
    if (!known) return port;
  }
  return refuse({
    code: "pool_exhausted",
    message: `All ports from ${first} to ${last} of this host are in use.`,
    hint: "Delete projects, publish fewer services, or set SLIPWAY_PORT_RANGE to a larger range.",
  });
}

/** Gives `owner`'s port back, or sets it aside for good where a program outside Slipway has it. */
export async function releasePort(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  owner: Owner,
  setAside?: { reason: string },
): Promise<void> {
  const row = await ctx.db
    .query("ports")
    .withIndex("by_owner", (q) =>
      q
        .eq("owner.projectId", owner.projectId)
        .eq("owner.kind", owner.kind)
        .eq("owner.service", owner.service),
    )
    .unique();
  if (!row) throw new Error(`${project.slug} ${owner.kind} ${owner.service} has no port to give back`);
  await ctx.db.patch("ports", row._id, {
    state: setAside ? "setAside" : "free",
    owner: undefined,
    reason: setAside?.reason,
  });
  await recordEvent(ctx, {
    type: setAside ? "port.setAside" : "port.released",
    actor,
    project,
    environment: owner.kind,
    from: String(row.port),
    reason: setAside?.reason,
    message: setAside
      ? `Port ${row.port} is set aside: ${setAside.reason}`
      : `Port ${row.port} is free again.`,
  });
}

import { v, type ObjectType } from "convex/values";
import { NOTHING } from "../../core/capacity.ts";
import { startOf } from "../../core/text.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { hasUncounted } from "./counts.ts";
import type { Actor } from "./events.ts";
import { recordEvent, SYSTEM } from "./events.ts";
import { refuse } from "./refuse.ts";

/** How long a host counts as live after a heartbeat. Its worker sends three in that time. */
export const LEASE_MS = 30_000;

export const registrationFields = {
  name: v.string(),
  instanceId: v.string(),
  version: v.string(),
  engineVersion: v.string(),
  cpus: v.number(),
  memoryBytes: v.number(),
  stacks: v.optional(v.array(v.string())),
  /** Where this machine reaches the worker's door (worker/door/). */
  doorUrl: v.optional(v.string()),
};

type Registration = ObjectType<typeof registrationFields>;

const MOST_PROBLEMS = 10;
const DOOR_URL = /^https?:\/\/[A-Za-z0-9.:[\]-]{1,255}$/;
const HOST_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Makes the caller the one worker of the host: whoever had it before has a stale epoch from now on. */
export async function registerHost(
  ctx: MutationCtx,
  actor: Actor,
  { stacks = [], doorUrl, ...registration }: Registration,
): Promise<{ hostId: Id<"hosts">; epoch: number; leaseMs: number }> {
  checkRegistration({ ...registration, doorUrl });
  const known = await ctx.db
    .query("hosts")
    .withIndex("by_name", (q) => q.eq("name", registration.name))
    .unique();
  const epoch = (known?.epoch ?? 0) + 1;
  const fields = { ...registration, doorUrl, stacks, state: "live" as const, epoch };
  const hostId = known?._id ?? (await ctx.db.insert("hosts", fields));
  if (known) await ctx.db.patch("hosts", hostId, fields);
  else await ctx.db.insert("hostLoads", { hostId, reserved: NOTHING });
  await takeLease(ctx, hostId);
  if (await hasUncounted(ctx)) await ctx.scheduler.runAfter(0, internal.maintenance.countProjects, {});
  await recordEvent(ctx, {
    type: "host.registered",
    actor,
    to: registration.name,
    message: `A worker registered ${registration.name}, epoch ${epoch}.`,
  });
  return { hostId, epoch, leaseMs: LEASE_MS };
}

function checkRegistration({ name, cpus, memoryBytes, doorUrl }: Omit<Registration, "stacks">): void {
  if (doorUrl !== undefined && !DOOR_URL.test(doorUrl)) {
    refuse({
      code: "bad_request",
      message: "A door's URL is an origin, like http://127.0.0.1:4000.",
      path: "doorUrl",
    });
  }
  if (!HOST_NAME.test(name)) {
    refuse({
      code: "bad_request",
      message: `"${name.slice(0, 80)}" is no host's name.`,
      path: "name",
      hint: "Use 1 to 63 letters, digits, dots, - and _.",
    });
  }
  if (!(cpus > 0 && memoryBytes > 0)) {
    refuse({
      code: "bad_request",
      message: "A host has more than 0 CPUs and bytes of memory.",
      path: "cpus",
    });
  }
}

/**
 * Prolongs the lease; a host that had lost it, and that nobody else took, has it again.
 * @param problems what its worker finds wrong with the machine itself, as sentences
 */
export async function heartbeat(
  ctx: MutationCtx,
  actor: Actor,
  host: Doc<"hosts">,
  problems: string[],
): Promise<void> {
  const told = problems.slice(0, MOST_PROBLEMS).map((problem) => startOf(problem, 500));
  // The host's row is subscribed to, so it is written only where something changed.
  if (JSON.stringify(told) !== JSON.stringify(host.problems ?? [])) {
    await ctx.db.patch("hosts", host._id, { problems: told });
  }
  const lease = await leaseOf(ctx, host._id);
  if (host.state === "live" && lease) {
    const now = Date.now();
    await ctx.db.patch("hostLeases", lease._id, { heartbeatAt: now, expiresAt: now + LEASE_MS });
    return;
  }
  await ctx.db.patch("hosts", host._id, { state: "live" });
  await takeLease(ctx, host._id);
  await recordEvent(ctx, {
    type: "host.registered",
    actor,
    to: host.name,
    message: `${host.name} is back, epoch ${host.epoch}.`,
  });
}

/**
 * Runs when a lease may have run out. A heartbeat only moves `expiresAt`; the one job of a lease follows it, so that
 * no heartbeat has to cancel and schedule.
 */
export async function expireLease(ctx: MutationCtx, leaseId: Id<"hostLeases">): Promise<void> {
  const lease = await ctx.db.get("hostLeases", leaseId);
  if (!lease) return;
  if (lease.expiresAt > Date.now()) {
    const expiryJob = await ctx.scheduler.runAt(lease.expiresAt, internal.worker.expireLease, { leaseId });
    await ctx.db.patch("hostLeases", leaseId, { expiryJob });
    return;
  }
  await ctx.db.delete("hostLeases", leaseId);
  const host = await ctx.db.get("hosts", lease.hostId);
  if (!host || host.state !== "live") return;
  await ctx.db.patch("hosts", host._id, { state: "lost" });
  await recordEvent(ctx, {
    type: "host.lost",
    actor: SYSTEM,
    from: host.name,
    message: `${host.name} sent no heartbeat for ${LEASE_MS / 1000} s: its worker is lost, its containers may still run.`,
  });
}

/** A clean stop: the lease is given back, and the epoch is worth nothing from now on. */
export async function unregisterHost(ctx: MutationCtx, actor: Actor, host: Doc<"hosts">): Promise<void> {
  await dropLease(ctx, host._id);
  await ctx.db.patch("hosts", host._id, { state: "left" });
  await recordEvent(ctx, {
    type: "host.left",
    actor,
    from: host.name,
    message: `The worker of ${host.name} stopped.`,
  });
}

async function takeLease(ctx: MutationCtx, hostId: Id<"hosts">): Promise<void> {
  await dropLease(ctx, hostId);
  const now = Date.now();
  const expiresAt = now + LEASE_MS;
  const leaseId = await ctx.db.insert("hostLeases", { hostId, heartbeatAt: now, expiresAt });
  const expiryJob = await ctx.scheduler.runAt(expiresAt, internal.worker.expireLease, { leaseId });
  await ctx.db.patch("hostLeases", leaseId, { expiryJob });
}

async function dropLease(ctx: MutationCtx, hostId: Id<"hosts">): Promise<void> {
  const lease = await leaseOf(ctx, hostId);
  if (!lease) return;
  if (lease.expiryJob) await ctx.scheduler.cancel(lease.expiryJob);
  await ctx.db.delete("hostLeases", lease._id);
}

export async function leaseOf(ctx: QueryCtx, hostId: Id<"hosts">): Promise<Doc<"hostLeases"> | null> {
  return await ctx.db
    .query("hostLeases")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
}

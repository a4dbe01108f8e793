import {
  byLeastReserved,
  largestContainer,
  missingOn,
  NOTHING,
  reservationOf,
  type HostCapacity,
  type Reservation,
} from "../../core/capacity.ts";
import type { DesiredState, EnvironmentKind } from "../../core/lifecycle.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { environmentOf } from "./environments.ts";
import { refuse } from "./refuse.ts";
import { overcommit } from "./settings.ts";

/** How many live hosts are compared for a project that has none yet. */
const MAX_HOSTS = 200;

type Desired = Record<EnvironmentKind, DesiredState>;

/**
 * Reserves on `project`'s host what running `desired` takes, in place of what the project holds now. A project without
 * a host gets one at the first time that something must run: the live one with the least reserved.
 * @returns what to write to the project: its host and what it holds there
 * @throws ConvexError `no_host` with no live host, `no_capacity` saying what is missing where
 */
export async function reserve(
  ctx: MutationCtx,
  project: Doc<"projects">,
  manifest: Manifest,
  desired: Desired,
): Promise<{ hostId?: Id<"hosts">; reserved: Reservation }> {
  const deploy = await environmentOf(ctx, project._id, "deploy");
  const wanted = reservationOf(manifest, desired, deploy.replicas);
  if (project.hostId === undefined && wanted.memoryBytes === 0) return { reserved: NOTHING };
  const container = largestContainer(manifest, desired);
  const hostId =
    project.hostId === undefined
      ? await chooseHost(ctx, project, wanted, container)
      : await checkHost(ctx, project, project.hostId, wanted, container);
  await addToLoad(ctx, hostId, difference(wanted, project.reserved));
  return { hostId, reserved: wanted };
}

/** Gives back all that `project` holds of its host. */
export async function unreserve(ctx: MutationCtx, project: Doc<"projects">): Promise<void> {
  if (project.hostId === undefined) return;
  await addToLoad(ctx, project.hostId, difference(NOTHING, project.reserved));
}

async function chooseHost(
  ctx: MutationCtx,
  project: Doc<"projects">,
  wanted: Reservation,
  container: Reservation,
): Promise<Id<"hosts">> {
  const group = project.groupId && (await ctx.db.get("groups", project.groupId));
  if (group?.hostId) return await checkHost(ctx, project, group.hostId, wanted, container);
  const live = await ctx.db
    .query("hosts")
    .withIndex("by_state", (q) => q.eq("state", "live"))
    .take(MAX_HOSTS);
  if (live.length === 0) {
    refuse({
      code: "no_host",
      message: `No host can run ${project.slug}: there is no live worker.`,
      hint: "Start one: slipway up starts everything, slipway status shows what runs.",
    });
  }
  const capacities = await Promise.all(live.map(async (host) => await capacityOf(ctx, host, NOTHING)));
  const missing: string[] = [];
  for (const capacity of [...capacities].sort(byLeastReserved)) {
    const lacks = missingOn(capacity, wanted, container, overcommit());
    if (lacks === null) {
      // From now on the group's other members must come here too: they share its networks.
      if (group) await ctx.db.patch("groups", group._id, { hostId: capacity.id });
      return capacity.id;
    }
    missing.push(lacks);
  }
  return refuseCapacity(project, missing);
}

async function checkHost(
  ctx: MutationCtx,
  project: Doc<"projects">,
  hostId: Id<"hosts">,
  wanted: Reservation,
  container: Reservation,
): Promise<Id<"hosts">> {
  const shrinks = wanted.cpus <= project.reserved.cpus && wanted.memoryBytes <= project.reserved.memoryBytes;
  if (shrinks) return hostId;
  const host = await ctx.db.get("hosts", hostId);
  if (!host) throw new Error(`${project.slug} lives on a host that does not exist: ${hostId}`);
  const lacks = missingOn(await capacityOf(ctx, host, project.reserved), wanted, container, overcommit());
  return lacks === null ? hostId : refuseCapacity(project, [lacks]);
}

function refuseCapacity(project: Doc<"projects">, missing: string[]): never {
  const shown =
    missing.slice(0, 5).join("; ") + (missing.length > 5 ? `; and ${missing.length - 5} more` : "");
  return refuse({
    code: "no_capacity",
    message: `${project.slug} fits on no host: ${shown}.`,
    hint: "Pause or delete projects, lower cpus and memory under environments in the manifest, or add a host.",
  });
}

/** @param without what the asking project holds there already, which is not in its own way */
async function capacityOf(
  ctx: QueryCtx,
  host: Doc<"hosts">,
  without: Reservation,
): Promise<HostCapacity & { id: Id<"hosts"> }> {
  const { reserved } = await loadOf(ctx, host._id);
  const { _id: id, name, cpus, memoryBytes } = host;
  return { id, name, cpus, memoryBytes, reserved: difference(reserved, without) };
}

export async function loadOf(ctx: QueryCtx, hostId: Id<"hosts">): Promise<Doc<"hostLoads">> {
  const load = await ctx.db
    .query("hostLoads")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
  if (!load) throw new Error(`The host ${hostId} has no load row`);
  return load;
}

async function addToLoad(ctx: MutationCtx, hostId: Id<"hosts">, change: Reservation): Promise<void> {
  if (change.cpus === 0 && change.memoryBytes === 0) return;
  const load = await loadOf(ctx, hostId);
  await ctx.db.patch("hostLoads", load._id, {
    reserved: {
      // Fractions of a CPU are summed in hundredths, so that years of adding and taking leave no remainder.
      cpus: Math.round((load.reserved.cpus + change.cpus) * 100) / 100,
      memoryBytes: load.reserved.memoryBytes + change.memoryBytes,
    },
  });
}

function difference(one: Reservation, other: Reservation): Reservation {
  return { cpus: one.cpus - other.cpus, memoryBytes: one.memoryBytes - other.memoryBytes };
}

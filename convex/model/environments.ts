import {
  desiredAfter,
  ENVIRONMENT_KINDS,
  keepsVolumes,
  type DesiredState,
  type EnvironmentKind,
  type Status,
} from "../../core/lifecycle.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { publishedServices } from "../../core/ports.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { allocatePort, releasePort } from "./ports.ts";
import { joinNetwork, leaveNetwork, replaceGroupSubnet } from "./groupNetworks.ts";
import { putInInbox } from "./inbox.ts";
import { allocateSubnet, releaseSubnet, type WhichSubnet } from "./subnets.ts";
import { refuse } from "./refuse.ts";

/** The project's three environments, in the order dev, test, deploy. */
export async function environmentsOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
): Promise<Doc<"environments">[]> {
  const rows = await ctx.db
    .query("environments")
    .withIndex("by_project_and_kind", (q) => q.eq("projectId", projectId))
    .take(ENVIRONMENT_KINDS.length);
  const order = (row: Doc<"environments">) => ENVIRONMENT_KINDS.indexOf(row.kind);
  return rows.sort((one, other) => order(one) - order(other));
}

export async function environmentOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  kind: EnvironmentKind,
): Promise<Doc<"environments">> {
  const row = await ctx.db
    .query("environments")
    .withIndex("by_project_and_kind", (q) => q.eq("projectId", projectId).eq("kind", kind))
    .unique();
  if (!row) throw new Error(`The project ${projectId} has no environment ${kind}`);
  return row;
}

export async function observationsOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
): Promise<Map<EnvironmentKind, Doc<"environmentObservations">>> {
  const rows = await ctx.db
    .query("environmentObservations")
    .withIndex("by_project_and_kind", (q) => q.eq("projectId", projectId))
    .take(ENVIRONMENT_KINDS.length);
  return new Map(rows.map((row) => [row.kind, row]));
}

export async function observationOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  kind: EnvironmentKind,
): Promise<Doc<"environmentObservations"> | null> {
  return await ctx.db
    .query("environmentObservations")
    .withIndex("by_project_and_kind", (q) => q.eq("projectId", projectId).eq("kind", kind))
    .unique();
}

export async function makeEnvironments(ctx: MutationCtx, projectId: Id<"projects">): Promise<void> {
  for (const kind of ENVIRONMENT_KINDS) {
    await ctx.db.insert("environments", {
      projectId,
      kind,
      desired: "absent",
      generation: 0,
      keepVolumes: keepsVolumes("created", kind),
    });
  }
}

/** What each environment should be once the project is in `status`. */
export function desiredIn(
  status: Status,
  environments: Doc<"environments">[],
): Record<EnvironmentKind, DesiredState> {
  return Object.fromEntries(
    environments.map((row) => [row.kind, desiredAfter(status, row.kind, row.desired)]),
  ) as Record<EnvironmentKind, DesiredState>;
}

/**
 * Writes what `project`'s new status asks of its environments, with subnets for those that need them, and tells the
 * worker of each that changed.
 * @param project as it is after the move: with its new status, host and generation
 * @param releases what test and deploy are to run from now on, where that changes
 * @returns whether there was one
 */
export async function applyDesired(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  manifest: Manifest,
  environments: Doc<"environments">[],
  releases: { test?: Id<"releases">; deploy?: Id<"releases"> },
): Promise<boolean> {
  let tells = false;
  const desired = desiredIn(project.status, environments);
  for (const row of environments) {
    const keepVolumes = keepsVolumes(project.status, row.kind);
    const releaseId = releaseAfter(row, desired[row.kind], releases);
    const changed =
      desired[row.kind] !== row.desired ||
      keepVolumes !== row.keepVolumes ||
      releaseId !== row.releaseId ||
      // Asked for again, it is tried again.
      (row.kind === "deploy" && releases.deploy !== undefined && row.undone !== undefined);
    if (project.hostId === undefined && row.desired === "absent" && desired[row.kind] === "absent") {
      // No host ever had anything of it: there is nobody to tell, and nobody who would observe a new generation.
      if (changed) await ctx.db.patch("environments", row._id, { keepVolumes, releaseId });
      continue;
    }
    // A project on its way out has its worker look at every environment, whatever was there.
    if (!changed && project.status !== "deleting") continue;
    const next = { ...row, desired: desired[row.kind], keepVolumes, generation: project.generation };
    await ctx.db.patch("environments", row._id, {
      desired: next.desired,
      keepVolumes,
      releaseId,
      generation: next.generation,
      ...(next.desired === "absent"
        ? NOT_ROLLED_OUT
        : await ensureAllocated(ctx, actor, project, manifest, row)),
    });
    await putInInbox(ctx, project, next);
    tells = true;
  }
  return tells;
}

/** Of what is gone nothing is live, and nothing can be gone back to. */
const NOT_ROLLED_OUT = { liveReleaseId: undefined, kept: undefined, canary: undefined, undone: undefined };

/** A test that is over has no release any more; what was deployed last stays known. */
function releaseAfter(
  row: Doc<"environments">,
  desired: DesiredState,
  releases: { test?: Id<"releases">; deploy?: Id<"releases"> },
): Id<"releases"> | undefined {
  if (row.kind === "dev") return undefined;
  if (row.kind === "test" && desired === "absent") return undefined;
  return releases[row.kind] ?? row.releaseId;
}

/**
 * Brings `rows`, environments of `project` that are there, to a manifest that changed. What it no longer asks for is
 * given back once the worker has seen the environment run without it (dropped.ts): until then containers may use it.
 * @param project as it is after the change, with its new generation
 */
export async function applyManifest(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  manifest: Manifest,
  rows: Doc<"environments">[],
): Promise<void> {
  for (const row of rows) {
    await ctx.db.patch("environments", row._id, {
      generation: project.generation,
      ...(await ensureAllocated(ctx, actor, project, manifest, row)),
    });
    await putInInbox(ctx, project, { kind: row.kind, generation: project.generation });
  }
}

type Allocated = Pick<Doc<"environments">, "subnet" | "egressSubnet" | "ports">;

async function ensureAllocated(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  manifest: Manifest,
  row: Doc<"environments">,
): Promise<Allocated> {
  const owner = { id: project._id, kind: row.kind };
  const { hostId } = project;
  if (hostId === undefined) throw new Error(`${project.slug} ${row.kind} is to run, on no host`);
  const subnet = row.subnet ?? (await allocateSubnet(ctx, actor, project, { ...owner, which: "internal" }));
  if (project.groupId) await joinNetwork(ctx, actor, project, project.groupId, row.kind);
  const ports = { ...row.ports };
  for (const service of publishedServices(manifest)) {
    ports[service] ??= await allocatePort(ctx, actor, project, hostId, {
      projectId: project._id,
      kind: row.kind,
      service,
    });
  }
  if (manifest.egress !== "open") return { subnet, ports };
  const egressSubnet =
    row.egressSubnet ?? (await allocateSubnet(ctx, actor, project, { ...owner, which: "egress" }));
  return { subnet, egressSubnet, ports };
}

/** Gives an environment's subnets and ports back. Only once its containers and networks are gone. */
export async function releaseAllocated(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
): Promise<void> {
  const owner = { id: project._id, kind: row.kind };
  if (row.subnet) await releaseSubnet(ctx, actor, project, { ...owner, which: "internal" });
  if (row.egressSubnet) await releaseSubnet(ctx, actor, project, { ...owner, which: "egress" });
  for (const service of Object.keys(row.ports ?? {})) {
    await releasePort(ctx, actor, project, { projectId: project._id, kind: row.kind, service });
  }
  await ctx.db.patch("environments", row._id, {
    subnet: undefined,
    egressSubnet: undefined,
    ports: undefined,
  });
  if (project.groupId) await leaveNetwork(ctx, actor, project, project.groupId, row.kind);
}

/** Makes the worker look again at those of `project`'s environments that `which` picks, at a new generation. */
export async function touchEnvironments(
  ctx: MutationCtx,
  project: Doc<"projects">,
  which: (row: Doc<"environments">) => boolean,
): Promise<EnvironmentKind[]> {
  const rows = (await environmentsOf(ctx, project._id)).filter(which);
  if (rows.length === 0) return [];
  const generation = project.generation + 1;
  await ctx.db.patch("projects", project._id, { generation });
  for (const { _id, kind } of rows) {
    await ctx.db.patch("environments", _id, { generation });
    await putInInbox(ctx, project, { kind, generation });
  }
  return rows.map((row) => row.kind);
}

/**
 * A new subnet in place of one that somebody outside Slipway has; that one is never given out again.
 * @returns the subnet that it has now: another than `taken` already where that was replaced before
 */
export async function replaceSubnet(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
  taken: { which: WhichSubnet; subnet: string; reason: string },
): Promise<string> {
  const { which, reason } = taken;
  if (which === "group") return await replaceGroupSubnet(ctx, actor, project, row.kind, taken);
  const field = which === "internal" ? "subnet" : "egressSubnet";
  if (row[field] === undefined) {
    refuse({
      code: "not_found",
      message: `${project.slug} ${row.kind} has no ${which} subnet to replace.`,
      hint: "Read the project again.",
    });
  }
  if (row[field] !== taken.subnet) return row[field];
  const owner = { id: project._id, kind: row.kind, which };
  await releaseSubnet(ctx, actor, project, owner, { reason });
  const subnet = await allocateSubnet(ctx, actor, project, owner);
  await ctx.db.patch("environments", row._id, { [field]: subnet });
  return subnet;
}

/**
 * Another host port in place of one that a program outside Slipway has; that one is never given out again.
 * @returns the port that it has now: another than `taken` already where that was replaced before
 */
export async function replacePort(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
  taken: { service: string; port: number; reason: string },
): Promise<number> {
  const { service, reason } = taken;
  if (row.ports?.[service] === undefined || project.hostId === undefined) {
    refuse({
      code: "not_found",
      message: `${project.slug} ${row.kind} ${service.slice(0, 40)} has no host port to replace.`,
      hint: "Read the project again.",
    });
  }
  if (row.ports[service] !== taken.port) return row.ports[service];
  const owner = { projectId: project._id, kind: row.kind, service };
  await releasePort(ctx, actor, project, owner, { reason });
  const port = await allocatePort(ctx, actor, project, project.hostId, owner);
  await ctx.db.patch("environments", row._id, { ports: { ...row.ports, [service]: port } });
  return port;
}

/** Lets the volumes of `project`'s absent environments go, once the time that they are kept is over. */
export async function reclaimVolumes(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
): Promise<void> {
  const generation = project.generation + 1;
  await ctx.db.patch("projects", project._id, { reclaimAt: undefined, generation });
  for (const row of await environmentsOf(ctx, project._id)) {
    if (row.desired !== "absent" || !row.keepVolumes) continue;
    await ctx.db.patch("environments", row._id, { keepVolumes: false, generation });
    await putInInbox(ctx, project, { kind: row.kind, generation });
  }
  await recordEvent(ctx, {
    type: "environment.reclaimed",
    actor,
    project,
    message: `${project.slug} has been failed for its retention time: its volumes are reclaimed.`,
  });
}

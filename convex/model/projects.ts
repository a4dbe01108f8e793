import type { Infer } from "convex/values";
import { v } from "convex/values";
import { allowedNext } from "../../core/lifecycle.ts";
import { MAX_SLUG_LENGTH, makeNamespace, slugify } from "../../core/naming.ts";
import { firstSentence } from "../../core/sentences.ts";
import { portVariable } from "../../core/ports.ts";
import { NOTHING } from "../../core/capacity.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { certificateSpecs, vCertificateSpecs } from "./certificates.ts";
import { countProject } from "./counts.ts";
import { claimDomains } from "./domains.ts";
import { rolloutSpec } from "./deploys.ts";
import { environmentsOf, makeEnvironments, observationsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { isNameTaken } from "./find.ts";
import { groupName, groupSpec, joinByName, vGroupSpec } from "./groups.ts";
import { manifestFrom, manifestOf, manifestRow, refuseUnknownStacks, saveManifest } from "./manifests.ts";
import { refuse } from "./refuse.ts";
import { keptSnapshots, newestRelease, releaseSpec, releaseView, vReleaseView } from "./releases.ts";
import { secretsOf } from "./secrets.ts";
import { awaitSource } from "./sources.ts";
import {
  observationFields,
  vDesired,
  vKind,
  vPausable,
  vPhase,
  vStatus,
  vTestVerdict,
  vUndone,
} from "./validators.ts";

/** How many other names are tried for one to suggest. */
const MAX_SUGGESTIONS = 20;

export async function createProject(
  ctx: MutationCtx,
  actor: Actor,
  input: { name: string; stack?: string; manifest?: unknown },
) {
  const manifest = manifestFrom(input);
  await refuseUnknownStacks(ctx, manifest);
  const slug = await freeSlug(ctx, manifest.name);
  const namespace = makeNamespace(Date.now(), Math.random);
  const projectId = await ctx.db.insert("projects", {
    slug,
    name: manifest.name,
    namespace,
    status: "created",
    statusChangedAt: Date.now(),
    stack: manifest.stack,
    generation: 0,
    reserved: NOTHING,
    counted: true,
  });
  await countProject(ctx, null, (await ctx.db.get("projects", projectId))!);
  await saveManifest(ctx, projectId, manifest);
  await claimDomains(ctx, (await ctx.db.get("projects", projectId))!, manifest.domains ?? []);
  await awaitSource(ctx, projectId, manifest);
  await makeEnvironments(ctx, projectId);
  if (manifest.group !== undefined)
    await joinByName(ctx, actor, (await ctx.db.get("projects", projectId))!, manifest.group);
  await recordEvent(ctx, {
    type: "project.created",
    actor,
    project: { slug, namespace },
    to: "created",
    message: `${slug} was created.`,
  });
  return { projectId, slug, namespace };
}

async function freeSlug(ctx: MutationCtx, name: string): Promise<string> {
  const slug = slugify(name);
  if (slug === "") {
    refuse({
      code: "bad_request",
      message: `"${name}" gives no name for URLs: it has no letter a–z and no digit.`,
      path: "name",
      hint: "Choose a name with at least one of them.",
    });
  }
  if (!(await isNameTaken(ctx, slug))) return slug;
  for (let number = 2; number < 2 + MAX_SUGGESTIONS; number++) {
    const other = `${slug.slice(0, MAX_SLUG_LENGTH - 3)}-${number}`;
    if (await isNameTaken(ctx, other)) continue;
    refuse({
      code: "name_taken",
      message: `The name "${slug}" is taken.`,
      path: "name",
      hint: `${other} is free.`,
    });
  }
  return refuse({ code: "name_taken", message: `The name "${slug}" is taken.`, path: "name" });
}

export const vProjectView = v.object({
  projectId: v.id("projects"),
  slug: v.string(),
  name: v.string(),
  namespace: v.string(),
  status: vStatus,
  pausedFrom: v.union(vPausable, v.null()),
  allowedNext: v.array(vStatus),
  group: v.union(v.string(), v.null()),
  host: v.union(v.string(), v.null()),
  /** Whether the host's worker holds its lease; null without a host. */
  hostState: v.union(v.literal("live"), v.literal("lost"), v.literal("left"), v.null()),
  manifest: v.any(),
  manifestRevision: v.number(),
  createdAt: v.number(),
  statusChangedAt: v.number(),
  statusReason: v.union(v.string(), v.null()),
  environments: v.array(
    v.object({
      ...observationFields,
      desired: vDesired,
      generation: v.number(),
      subnet: v.union(v.string(), v.null()),
      egressSubnet: v.union(v.string(), v.null()),
      /** Host ports at 127.0.0.1 by variable, like DEV_POSTGRES_PORT. */
      ports: v.record(v.string(), v.number()),
      /** The number of the release that it runs. */
      release: v.union(v.number(), v.null()),
    }),
  ),
  /** The newest one. */
  release: v.union(vReleaseView, v.null()),
});

export async function projectView(ctx: QueryCtx, project: Doc<"projects">) {
  const host = project.hostId && (await ctx.db.get("hosts", project.hostId));
  const seen = await observationsOf(ctx, project._id);
  const newest = await newestRelease(ctx, project._id);
  const rows = await environmentsOf(ctx, project._id);
  const releases = await Promise.all(
    rows.map(async ({ releaseId }) => (releaseId ? await ctx.db.get("releases", releaseId) : null)),
  );
  const environments = rows.map((row, index) => {
    const observed = seen.get(row.kind);
    return {
      kind: row.kind,
      desired: row.desired,
      generation: row.generation,
      phase: phaseOf(row, observed),
      observedGeneration: observed?.observedGeneration ?? 0,
      conditions: observed?.conditions ?? [],
      services: observed?.services ?? [],
      endpoints: observed?.endpoints ?? [],
      message: observed?.message ?? "",
      subnet: row.subnet ?? null,
      egressSubnet: row.egressSubnet ?? null,
      ports: Object.fromEntries(
        Object.entries(row.ports ?? {}).map(([service, port]) => [portVariable(row.kind, service), port]),
      ),
      release: releases[index]?.number ?? null,
    };
  });
  return {
    projectId: project._id,
    slug: project.slug,
    name: project.name,
    namespace: project.namespace,
    status: project.status,
    pausedFrom: project.pausedFrom ?? null,
    allowedNext: allowedNext(project.status, project.pausedFrom),
    group: await groupName(ctx, project),
    host: host?.name ?? null,
    hostState: host?.state ?? null,
    manifest: await manifestOf(ctx, project),
    manifestRevision: (await manifestRow(ctx, project)).revision ?? 1,
    createdAt: Math.floor(project._creationTime),
    statusChangedAt: project.statusChangedAt,
    statusReason: project.statusReason ?? null,
    environments,
    release: newest && releaseView(newest),
  };
}

export const vProjectSummary = v.object({
  projectId: v.id("projects"),
  slug: v.string(),
  name: v.string(),
  namespace: v.string(),
  status: vStatus,
  allowedNext: v.array(vStatus),
  statusChangedAt: v.number(),
  statusReason: v.union(v.string(), v.null()),
  stack: v.union(v.string(), v.null()),
  host: v.union(v.string(), v.null()),
  environments: v.array(v.object({ kind: vKind, desired: vDesired, phase: vPhase })),
  /** The first sentence of what the first failed environment says; null: none failed. */
  trouble: v.union(v.string(), v.null()),
  /** The newest one's number. */
  release: v.union(v.number(), v.null()),
  createdAt: v.number(),
});

export async function projectSummary(ctx: QueryCtx, project: Doc<"projects">) {
  const seen = await observationsOf(ctx, project._id);
  const environments = await environmentsOf(ctx, project._id);
  const host = project.hostId && (await ctx.db.get("hosts", project.hostId));
  const failed = environments
    .map(({ kind }) => seen.get(kind))
    .find((observed) => observed?.phase === "failed");
  return {
    projectId: project._id,
    slug: project.slug,
    name: project.name,
    namespace: project.namespace,
    status: project.status,
    allowedNext: allowedNext(project.status, project.pausedFrom),
    statusChangedAt: project.statusChangedAt,
    statusReason: project.statusReason ?? null,
    stack: project.stack ?? null,
    host: host?.name ?? null,
    environments: environments.map((row) => ({
      kind: row.kind,
      desired: row.desired,
      phase: phaseOf(row, seen.get(row.kind)),
    })),
    trouble: failed ? firstSentence(failed.message || `its ${failed.kind} environment failed`) : null,
    release: (await newestRelease(ctx, project._id))?.number ?? null,
    createdAt: Math.floor(project._creationTime),
  };
}

function phaseOf(row: Doc<"environments">, observed: Doc<"environmentObservations"> | undefined) {
  return observed?.phase ?? (row.desired === "absent" ? "absent" : "pending");
}

const vRolloutSpec = v.object({
  live: v.union(v.id("releases"), v.null()),
  kept: v.union(v.object({ number: v.number() }), v.null()),
  canary: v.union(
    v.object({
      release: v.object({
        releaseId: v.id("releases"),
        number: v.number(),
        snapshot: v.union(v.string(), v.null()),
        manifest: v.any(),
        result: v.union(vTestVerdict, v.null()),
      }),
      percent: v.number(),
    }),
    v.null(),
  ),
  replicas: v.record(v.string(), v.number()),
  attempt: v.number(),
  undone: v.union(vUndone, v.null()),
});

export const vProjectSpec = v.object({
  projectId: v.id("projects"),
  slug: v.string(),
  name: v.string(),
  namespace: v.string(),
  status: vStatus,
  manifest: v.any(),
  secrets: v.optional(v.record(v.string(), v.string())),
  certificates: v.optional(vCertificateSpecs),
  group: v.optional(v.union(vGroupSpec, v.null())),
  environments: v.array(
    v.object({
      kind: vKind,
      desired: vDesired,
      generation: v.number(),
      subnet: v.union(v.string(), v.null()),
      egressSubnet: v.union(v.string(), v.null()),
      ports: v.optional(v.record(v.string(), v.number())),
      keepVolumes: v.boolean(),
      release: v.union(
        v.object({
          releaseId: v.id("releases"),
          number: v.number(),
          snapshot: v.union(v.string(), v.null()),
          manifest: v.any(),
          result: v.union(vTestVerdict, v.null()),
        }),
        v.null(),
      ),
      rollout: v.optional(vRolloutSpec),
    }),
  ),
  snapshots: v.array(v.string()),
});

/** All that the project's worker needs to know of it. */
export async function projectSpec(
  ctx: QueryCtx,
  project: Doc<"projects">,
): Promise<Infer<typeof vProjectSpec>> {
  const environments = await environmentsOf(ctx, project._id);
  const releases = await Promise.all(environments.map((row) => releaseSpec(ctx, row)));
  const deploy = environments.find(({ kind }) => kind === "deploy");
  const rollout = deploy && (await rolloutSpec(ctx, deploy));
  return {
    projectId: project._id,
    slug: project.slug,
    name: project.name,
    namespace: project.namespace,
    status: project.status,
    manifest: await manifestOf(ctx, project),
    secrets: Object.fromEntries((await secretsOf(ctx, project._id)).map((row) => [row.name, row.sealed])),
    certificates: await certificateSpecs(ctx, project),
    group: await groupSpec(ctx, project),
    environments: environments.map((row, index) => ({
      kind: row.kind,
      desired: row.desired,
      generation: row.generation,
      subnet: row.subnet ?? null,
      egressSubnet: row.egressSubnet ?? null,
      ports: row.ports ?? {},
      keepVolumes: row.keepVolumes,
      release: releases[index] ?? null,
      ...(row.kind === "deploy" && row.desired !== "absent" && rollout ? { rollout } : {}),
    })),
    snapshots: await keptSnapshots(ctx, project),
  };
}

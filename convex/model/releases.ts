import { v } from "convex/values";
import type { Status } from "../../core/lifecycle.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { ReleaseSpec } from "../../core/projectSpec.ts";
import { KEPT_RELEASES, KEPT_SNAPSHOTS } from "../../core/releases.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { environmentOf, environmentsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { storedManifest } from "./storedManifest.ts";
import { vReleaseState, vTestVerdict } from "./validators.ts";

/**
 * The releases of a project (docs/releases.md). Rows are made by moves (transition.ts), and get their snapshot and
 * their result from the project's worker (releaseReports.ts).
 */

/** How many rows that are too old go with each new one. */
const PRUNED_AT_ONCE = 5;
/** Of how many releases the newest snapshots are looked for: as releases of one content share a snapshot. */
const LOOKED_AT = 20;

export const vReleaseView = v.object({
  releaseId: v.id("releases"),
  number: v.number(),
  state: vReleaseState,
  snapshot: v.union(v.string(), v.null()),
  files: v.union(v.number(), v.null()),
  bytes: v.union(v.number(), v.null()),
  message: v.string(),
  createdAt: v.number(),
  testedAt: v.union(v.number(), v.null()),
  result: v.union(vTestVerdict, v.null()),
});

export const vReleaseDetails = v.object({
  ...vReleaseView.fields,
  manifest: v.any(),
  /** The end of what its tests wrote. */
  output: v.string(),
});

export function releaseView(row: Doc<"releases">) {
  return {
    releaseId: row._id,
    number: row.number,
    state: row.state,
    snapshot: row.snapshot ?? null,
    files: row.files ?? null,
    bytes: row.bytes ?? null,
    message: row.message,
    createdAt: row.createdAt,
    testedAt: row.testedAt ?? null,
    result: row.result ?? null,
  };
}

export async function releaseDetails(ctx: QueryCtx, row: Doc<"releases">) {
  const output = await outputRow(ctx, row._id);
  return { ...releaseView(row), manifest: await releaseManifest(ctx, row), output: output?.output ?? "" };
}

export async function newestRelease(
  ctx: QueryCtx,
  projectId: Id<"projects">,
): Promise<Doc<"releases"> | null> {
  return await ctx.db
    .query("releases")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
    .order("desc")
    .first();
}

export async function releaseNumbered(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  number: number,
): Promise<Doc<"releases"> | null> {
  return await ctx.db
    .query("releases")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId).eq("number", number))
    .unique();
}

/** What was to be run when the release was made. */
export async function releaseManifest(ctx: QueryCtx, release: Doc<"releases">): Promise<Manifest> {
  const row = await manifestRow(ctx, release._id);
  if (!row) throw new Error(`The release ${release._id} has no manifest`);
  return storedManifest(row);
}

/** What a worker is told of the release that an environment is to run. */
export async function releaseSpec(
  ctx: QueryCtx,
  environment: Doc<"environments">,
): Promise<(ReleaseSpec & { releaseId: Id<"releases"> }) | null> {
  const release = environment.releaseId && (await ctx.db.get("releases", environment.releaseId));
  if (!release || environment.desired === "absent") return null;
  return await releaseSpecOf(ctx, release);
}

export async function releaseSpecOf(
  ctx: QueryCtx,
  release: Doc<"releases">,
): Promise<ReleaseSpec & { releaseId: Id<"releases"> }> {
  return {
    releaseId: release._id,
    number: release.number,
    snapshot: release.snapshot ?? null,
    manifest: await releaseManifest(ctx, release),
    result: release.result ?? null,
  };
}

/** The snapshots that the project's host keeps: the newest, and those that environments run; none once reclaimed. */
export async function keptSnapshots(ctx: QueryCtx, project: Doc<"projects">): Promise<string[]> {
  const environments = await environmentsOf(ctx, project._id);
  if (environments.every(({ desired, keepVolumes }) => desired === "absent" && !keepVolumes)) return [];
  const newest = await ctx.db
    .query("releases")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", project._id))
    .order("desc")
    .take(LOOKED_AT);
  const kept = new Set<string>();
  for (const { snapshot } of newest) {
    if (snapshot !== undefined && kept.size < KEPT_SNAPSHOTS) kept.add(snapshot);
  }
  for (const releaseId of environments.flatMap(usedReleases)) {
    const used = await ctx.db.get("releases", releaseId);
    if (used?.snapshot !== undefined) kept.add(used.snapshot);
  }
  return [...kept];
}

/** The releases that an environment runs, may go back to, or tries. */
function usedReleases(row: Doc<"environments">): Id<"releases">[] {
  return [row.releaseId, row.liveReleaseId, row.kept?.releaseId, row.canary?.releaseId].filter(
    (releaseId) => releaseId !== undefined,
  );
}

/** The release that each environment is to run from a move on; one that is left out stays with what it had. */
export type ReleaseChanges = { test?: Id<"releases">; deploy?: Id<"releases"> };

/**
 * What a move does to the project's releases: entering testing makes the next one; leaving testing gives up one whose
 * tests have not ended; deployment takes the newest where its tests passed, and where an admin overrode that, a new one
 * that is never tested.
 * @param project as it is after the move
 */
export async function releasesOfMove(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  from: Status,
  manifest: Manifest,
): Promise<ReleaseChanges> {
  const newest = await newestRelease(ctx, project._id);
  if (from === "testing" && newest) await abandon(ctx, actor, project, newest);
  switch (project.status) {
    case "testing":
      return { test: await makeRelease(ctx, actor, project, manifest, newest, "building") };
    case "deployment": {
      // Back from a pause it goes on with what it had.
      const deployed = (await environmentOf(ctx, project._id, "deploy")).releaseId;
      if (from === "paused" && deployed) return {};
      if (newest?.state === "passed") return { deploy: newest._id };
      return { deploy: await makeRelease(ctx, actor, project, manifest, newest, "untested") };
    }
    default:
      return {};
  }
}

async function makeRelease(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  manifest: Manifest,
  newest: Doc<"releases"> | null,
  state: "building" | "untested",
): Promise<Id<"releases">> {
  const number = (newest?.number ?? 0) + 1;
  const message =
    state === "building" ? "its snapshot is being taken" : "deployed without tests, by an admin's override";
  const row = { projectId: project._id, number, state, message, createdAt: Date.now() };
  const releaseId = await ctx.db.insert("releases", row);
  await ctx.db.insert("releaseManifests", { projectId: project._id, releaseId, manifest });
  await recordEvent(ctx, {
    type: "release.made",
    actor,
    project,
    environment: state === "building" ? "test" : "deploy",
    to: state,
    message: `${project.slug} has release ${number}: ${message}.`,
  });
  await pruneReleases(ctx, project._id, number);
  return releaseId;
}

/** A release whose tests have not ended when its project leaves testing never gets a result. */
async function abandon(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  release: Doc<"releases">,
): Promise<void> {
  if (release.state !== "building" && release.state !== "testing") return;
  const message = `abandoned: the project went to ${project.status} before its tests had ended`;
  await ctx.db.patch("releases", release._id, { state: "failed", message });
  await recordEvent(ctx, {
    type: "release.abandoned",
    actor,
    project,
    environment: "test",
    from: release.state,
    to: "failed",
    message: `${project.slug} release ${release.number}: ${message}.`,
  });
}

/** Forgets the oldest releases beyond the newest `KEPT_RELEASES`, but none that an environment runs. */
async function pruneReleases(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  newestNumber: number,
): Promise<void> {
  const used = new Set((await environmentsOf(ctx, projectId)).flatMap(usedReleases));
  const old = await ctx.db
    .query("releases")
    .withIndex("by_project_and_number", (q) =>
      q.eq("projectId", projectId).lte("number", newestNumber - KEPT_RELEASES),
    )
    .take(PRUNED_AT_ONCE);
  for (const release of old) if (!used.has(release._id)) await eraseRelease(ctx, release);
}

async function eraseRelease(ctx: MutationCtx, release: Doc<"releases">): Promise<void> {
  const manifest = await manifestRow(ctx, release._id);
  if (manifest) await ctx.db.delete("releaseManifests", manifest._id);
  const output = await outputRow(ctx, release._id);
  if (output) await ctx.db.delete("releaseOutputs", output._id);
  await ctx.db.delete("releases", release._id);
}

/** Forgets one page of the releases of a project that is gone. @returns whether there may be more */
export async function eraseReleases(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  page: number,
): Promise<boolean> {
  const releases = await ctx.db
    .query("releases")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const release of releases) await eraseRelease(ctx, release);
  return releases.length === page;
}

async function manifestRow(ctx: QueryCtx, releaseId: Id<"releases">) {
  return await ctx.db
    .query("releaseManifests")
    .withIndex("by_release", (q) => q.eq("releaseId", releaseId))
    .unique();
}

export async function outputRow(ctx: QueryCtx, releaseId: Id<"releases">) {
  return await ctx.db
    .query("releaseOutputs")
    .withIndex("by_release", (q) => q.eq("releaseId", releaseId))
    .unique();
}

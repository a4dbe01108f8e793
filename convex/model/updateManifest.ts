import { hasStatusPage, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { Manifest } from "../../core/manifest.ts";
import { changedPaths, concernedKinds } from "../../core/manifestDiff.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { actorOf, requireWhole, type Caller } from "./access.ts";
import { reserve } from "./capacity.ts";
import { claimDomains } from "./domains.ts";
import { applyManifest, environmentsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { joinByName, leaveGroup } from "./groups.ts";
import { tellOfAnswers } from "./inbox.ts";
import { manifestFrom, manifestOf, manifestRow, refuseUnknownStacks } from "./manifests.ts";
import { refuse } from "./refuse.ts";

/** More than this many changed keys are counted, not listed. */
const MOST_LISTED = 20;

export type ManifestUpdate = {
  /** From 1; rises with each change. */
  revision: number;
  /** Dotted paths; empty where nothing was another. */
  changed: string[];
  /** Those that are there and go to a new generation. */
  environments: EnvironmentKind[];
};

/**
 * Puts another manifest in place of the project's, with all that follows: domains, group, capacity, subnets and ports,
 * and a new generation for the environments that it concerns. All or nothing.
 * @throws ConvexError `status_changed` where `expectedRevision` is not the present one; `bad_manifest`, `name_taken`,
 *   `no_capacity`, `guard_failed`, `forbidden`
 */
export async function updateManifest(
  ctx: MutationCtx,
  caller: Caller,
  project: Doc<"projects">,
  { manifest: input, expectedRevision }: { manifest: unknown; expectedRevision?: number },
): Promise<ManifestUpdate> {
  const actor = actorOf(caller);
  const row = await manifestRow(ctx, project);
  const revision = row.revision ?? 1;
  refuseUnlessChangeable(project, revision, expectedRevision);
  const before = await manifestOf(ctx, project);
  const after = manifestFrom({ name: project.name, manifest: sameName(project, input) });
  const changed = changedPaths(before, after);
  if (changed.length === 0) return { revision, changed, environments: [] };
  refuseWhatIsNotItsOwn(caller, before, after);
  await refuseUnknownStacks(ctx, after);

  await changeGroup(ctx, actor, project, before, after);
  await claimDomains(ctx, project, after.domains ?? []);
  await ctx.db.patch("manifests", row._id, { manifest: after, revision: revision + 1 });
  const environments = await bringThere(ctx, actor, project, after, changed);
  await recordEvent(ctx, {
    type: "project.updated",
    actor,
    project,
    from: String(revision),
    to: String(revision + 1),
    message: `The manifest of ${project.slug} changed: ${listed(changed)}.`,
  });
  return { revision: revision + 1, changed, environments };
}

function refuseUnlessChangeable(
  project: Doc<"projects">,
  revision: number,
  expected: number | undefined,
): void {
  if (project.status === "deleting") {
    refuse({ code: "guard_failed", message: `${project.slug} is being deleted: its manifest stays.` });
  }
  if (expected !== undefined && expected !== revision) {
    refuse({
      code: "status_changed",
      message: `The manifest of ${project.slug} is at revision ${revision}, not ${expected}: it was changed in between.`,
      hint: `Look at it again, and decide anew: slipway project show ${project.slug} --json`,
    });
  }
}

/** A group is its other members' too, and a domain that one project takes no other can have. */
function refuseWhatIsNotItsOwn(caller: Caller, before: Manifest, after: Manifest): void {
  if (before.group !== after.group) {
    requireWhole(caller, {
      message: "Which group a project is in is not for a token of that project alone.",
      path: "group",
    });
  }
  for (const [index, name] of (after.domains ?? []).entries()) {
    if (before.domains?.includes(name)) continue;
    requireWhole(caller, {
      message: `A token of one project alone may not take the domain ${name} for it.`,
      path: `domains.${index}`,
    });
  }
}

/** A project's name made its addresses, which others know: it stays. */
function sameName(project: Doc<"projects">, input: unknown): unknown {
  const name = (input as { name?: unknown } | null | undefined)?.name;
  if (name === undefined || name === project.name) return input;
  return refuse({
    code: "bad_manifest",
    message: `The manifest is refused: name: got ${JSON.stringify(name).slice(0, 80)}, expected ${JSON.stringify(project.name)}.`,
    path: "name",
    hint: "A project keeps its name. Create another project for another name.",
  });
}

async function changeGroup(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  before: Manifest,
  after: Manifest,
): Promise<void> {
  if (before.group === after.group) return;
  const present = async () => (await ctx.db.get("projects", project._id))!;
  if (project.groupId !== undefined) await leaveGroup(ctx, actor, project);
  if (after.group !== undefined) await joinByName(ctx, actor, await present(), after.group);
}

async function bringThere(
  ctx: MutationCtx,
  actor: Actor,
  given: Doc<"projects">,
  manifest: Manifest,
  changed: readonly string[],
): Promise<EnvironmentKind[]> {
  const concerned = concernedKinds(changed);
  const project = (await ctx.db.get("projects", given._id))!;
  const environments = await environmentsOf(ctx, project._id);
  const desired = Object.fromEntries(environments.map((row) => [row.kind, row.desired])) as Record<
    EnvironmentKind,
    Doc<"environments">["desired"]
  >;
  const held = await reserve(ctx, project, manifest, desired);
  const changes = { ...held, stack: manifest.stack, generation: project.generation + 1 };
  await ctx.db.patch("projects", project._id, changes);
  const rows = environments.filter((row) => row.desired !== "absent" && concerned.includes(row.kind));
  const next = { ...project, ...changes };
  await applyManifest(ctx, actor, next, manifest, rows);
  // A name that is given up has to go from the gateway's table before another project can answer it.
  const answersOtherwise = changed.includes("domains") || hasStatusPage(project.status);
  if (rows.length === 0 && answersOtherwise) await tellOfAnswers(ctx, next, environments);
  return rows.map((row) => row.kind);
}

function listed(paths: readonly string[]): string {
  const more = paths.length - MOST_LISTED;
  return paths.slice(0, MOST_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

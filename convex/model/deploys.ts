import { v, type Infer, type ObjectType } from "convex/values";
import {
  DEPLOY_KINDS,
  DEPLOY_STATES,
  isOver,
  type DeployKind,
  type DeployState,
} from "../../core/deploys.ts";
import { servicesOf } from "../../core/manifest.ts";
import { LIMITS } from "../../core/manifestFields.ts";
import type { RolloutSpec } from "../../core/projectSpec.ts";
import { describeReceipt, rolloutPolicy } from "../../core/rollout.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { reserve } from "./capacity.ts";
import { applyManifest, environmentOf, environmentsOf, touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { manifestOf } from "./manifests.ts";
import { refuse } from "./refuse.ts";
import { keptSnapshots, releaseManifest, releaseNumbered, releaseSpecOf } from "./releases.ts";
import { oneOf, vReceipt } from "./validators.ts";

/**
 * The deploys of a project (docs/deploys.md): what people want of the deploy environment, release by release, and what
 * its worker says became of it. The environment's own row says what is wanted now.
 */

/** How many deploys of a project stay known. */
const KEPT_DEPLOYS = 100;
const PRUNED_AT_ONCE = 5;
/** Among how many earlier deploys the release to go back to is looked for. */
const LOOKED_AT = 50;

export const vDeployView = v.object({
  number: v.number(),
  kind: oneOf(DEPLOY_KINDS),
  state: oneOf(DEPLOY_STATES),
  release: v.number(),
  percent: v.union(v.number(), v.null()),
  by: v.string(),
  startedAt: v.number(),
  switchedAt: v.union(v.number(), v.null()),
  endedAt: v.union(v.number(), v.null()),
  cause: v.union(v.string(), v.null()),
  receipt: v.union(vReceipt, v.null()),
});

export function deployView(row: Doc<"deploys">): Infer<typeof vDeployView> {
  return {
    number: row.number,
    kind: row.kind,
    state: row.state,
    release: row.release,
    percent: row.percent ?? null,
    by: row.by,
    startedAt: row.startedAt,
    switchedAt: row.switchedAt ?? null,
    endedAt: row.endedAt ?? null,
    cause: row.cause ?? null,
    receipt: row.receipt ?? null,
  };
}

export async function deployNumbered(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  number?: number,
): Promise<Doc<"deploys"> | null> {
  const rows = ctx.db.query("deploys");
  if (number === undefined) {
    return await rows
      .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
      .order("desc")
      .first();
  }
  return await rows
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId).eq("number", number))
    .unique();
}

/** What a worker is told of how the deploy environment is rolled out. */
export async function rolloutSpec(ctx: QueryCtx, environment: Doc<"environments">) {
  const { kept, canary, liveReleaseId, replicas = {} } = environment;
  const keptRelease = kept && (await ctx.db.get("releases", kept.releaseId));
  const canaryRelease = canary && (await ctx.db.get("releases", canary.releaseId));
  const spec = {
    live: liveReleaseId ?? null,
    kept: keptRelease ? { number: keptRelease.number } : null,
    canary:
      canary && canaryRelease
        ? { release: await releaseSpecOf(ctx, canaryRelease), percent: canary.percent }
        : null,
    replicas,
  };
  return spec satisfies RolloutSpec;
}

/** Starts the deploy of a release that the environment was just told to run. What was under way is superseded. */
export async function beginDeploy(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  releaseId: Id<"releases">,
  kind: DeployKind,
  percent?: number,
): Promise<Doc<"deploys">> {
  const release = (await ctx.db.get("releases", releaseId))!;
  const newest = await deployNumbered(ctx, project._id);
  if (newest && !isOver(newest.state)) {
    await ctx.db.patch("deploys", newest._id, { state: "superseded", endedAt: Date.now() });
  }
  const number = (newest?.number ?? 0) + 1;
  const deployId = await ctx.db.insert("deploys", {
    projectId: project._id,
    number,
    kind,
    state: kind === "canary" ? "canary" : "rolling",
    releaseId,
    release: release.number,
    percent,
    by: actor.subject,
    startedAt: Date.now(),
  });
  const share = percent === undefined ? "" : ` for ${percent} % of the requests`;
  await recordEvent(ctx, {
    type: "deploy.started",
    actor,
    project,
    environment: "deploy",
    to: String(release.number),
    message: `${project.slug}: ${kind} ${number} brings release ${release.number}${share}.`,
  });
  const old = await ctx.db
    .query("deploys")
    .withIndex("by_project_and_number", (q) =>
      q.eq("projectId", project._id).lte("number", number - KEPT_DEPLOYS),
    )
    .take(PRUNED_AT_ONCE);
  for (const row of old) await ctx.db.delete("deploys", row._id);
  return (await ctx.db.get("deploys", deployId))!;
}

export type DeployAnswer = { deploy: number; release: number; changed: boolean };

/** Brings a release to where the project serves, or some of its requests to it. The same again changes nothing. */
export async function requestDeploy(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  { release: number, canary }: { release?: number; canary?: number },
): Promise<DeployAnswer> {
  const row = await requireDeployed(ctx, project);
  const release = await deployable(ctx, project, number);
  if (canary !== undefined) return await beginCanary(ctx, actor, project, row, release, canary);
  const newest = await deployNumbered(ctx, project._id);
  if (row.releaseId === release._id && newest?.releaseId === release._id && newest.state !== "failed") {
    return { deploy: newest.number, release: release.number, changed: false };
  }
  await want(ctx, actor, project, { releaseId: release._id, canary: undefined });
  const begun = await beginDeploy(ctx, actor, project, release._id, "deploy");
  return { deploy: begun.number, release: release.number, changed: true };
}

/** Back to `number`, or to the release that was live before the present one. */
export async function requestRollback(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  number?: number,
): Promise<DeployAnswer> {
  const row = await requireDeployed(ctx, project);
  const releaseId = number === undefined ? await releaseBefore(ctx, project, row) : undefined;
  const release = releaseId
    ? await requireKept(ctx, project, (await ctx.db.get("releases", releaseId))!)
    : await deployable(ctx, project, number);
  if (row.releaseId === release._id && row.liveReleaseId === release._id) {
    const newest = await deployNumbered(ctx, project._id);
    return { deploy: newest?.number ?? 0, release: release.number, changed: false };
  }
  await want(ctx, actor, project, { releaseId: release._id, canary: undefined });
  const begun = await beginDeploy(ctx, actor, project, release._id, "rollback");
  return { deploy: begun.number, release: release.number, changed: true };
}

/** What is a canary becomes what serves. */
export async function promote(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
): Promise<DeployAnswer> {
  const { canary } = await requireDeployed(ctx, project);
  const release = canary && (await ctx.db.get("releases", canary.releaseId));
  if (!release) return refuseNoCanary(project);
  await want(ctx, actor, project, { releaseId: release._id, canary: undefined });
  const begun = await beginDeploy(ctx, actor, project, release._id, "deploy");
  return { deploy: begun.number, release: release.number, changed: true };
}

/** Takes a canary back. */
export async function abortCanary(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
): Promise<DeployAnswer> {
  const { canary } = await requireDeployed(ctx, project);
  const release = canary && (await ctx.db.get("releases", canary.releaseId));
  if (!release) return refuseNoCanary(project);
  await want(ctx, actor, project, { canary: undefined });
  const number = await endDeploy(ctx, project, release._id, { state: "aborted" });
  await recordEvent(ctx, {
    type: "deploy.aborted",
    actor,
    project,
    environment: "deploy",
    from: String(release.number),
    message: `${project.slug}: the canary of release ${release.number} was taken back.`,
  });
  return { deploy: number, release: release.number, changed: true };
}

/** So many replicas of a deployed service; null: as many as the manifest says. */
export async function scale(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  service: string,
  replicas: number | null,
): Promise<{ changed: boolean }> {
  const row = await requireDeployed(ctx, project);
  const manifest = await runningManifest(ctx, project, row);
  const services = Object.keys(servicesOf(manifest));
  if (!services.includes(service)) {
    refuse({
      code: "not_found",
      message: `${project.slug} has no service "${service.slice(0, 40)}" that it deploys.`,
      allowed: services,
    });
  }
  const { least, most } = LIMITS.replicas;
  if (replicas !== null && !(Number.isInteger(replicas) && replicas >= least && replicas <= most)) {
    refuse({ code: "bad_request", message: `A service has ${least} to ${most} replicas.`, path: "replicas" });
  }
  const before = row.replicas ?? {};
  if ((before[service] ?? null) === replicas) return { changed: false };
  const { [service]: _gone, ...others } = before;
  await want(ctx, actor, project, {
    replicas: replicas === null ? others : { ...others, [service]: replicas },
  });
  await recordEvent(ctx, {
    type: "deploy.scaled",
    actor,
    project,
    environment: "deploy",
    to: replicas === null ? "manifest" : String(replicas),
    message: `${project.slug} ${service}: ${replicas === null ? "as many replicas as its manifest says" : `${replicas} replicas`}.`,
  });
  return { changed: true };
}

async function beginCanary(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
  release: Doc<"releases">,
  percent: number,
): Promise<DeployAnswer> {
  if (!(Number.isInteger(percent) && percent >= 1 && percent <= 99)) {
    refuse({
      code: "bad_request",
      message: "A canary gets 1 to 99 percent of the requests.",
      path: "canary",
    });
  }
  if (row.liveReleaseId === undefined || row.releaseId !== row.liveReleaseId) {
    refuse({
      code: "guard_failed",
      message: `${project.slug} has no live release that a canary could be compared with, or is being deployed.`,
      hint: `Deploy first, and wait: slipway deploy ${project.slug} --wait`,
    });
  }
  if (row.releaseId === release._id) {
    refuse({
      code: "bad_request",
      message: `Release ${release.number} is live already: it gets all requests.`,
      path: "release",
    });
  }
  const same = row.canary?.releaseId === release._id && row.canary.percent === percent;
  if (same) {
    const newest = await deployNumbered(ctx, project._id);
    return { deploy: newest?.number ?? 0, release: release.number, changed: false };
  }
  await want(ctx, actor, project, { canary: { releaseId: release._id, percent } });
  const begun = await beginDeploy(ctx, actor, project, release._id, "canary", percent);
  return { deploy: begun.number, release: release.number, changed: true };
}

function refuseNoCanary(project: Doc<"projects">): never {
  return refuse({
    code: "guard_failed",
    message: `${project.slug} has no canary.`,
    hint: `Begin one: slipway deploy ${project.slug} --canary 10`,
  });
}

/** The deploy environment, which must be there to be changed. */
async function requireDeployed(ctx: QueryCtx, project: Doc<"projects">): Promise<Doc<"environments">> {
  const row = await environmentOf(ctx, project._id, "deploy");
  if (row.desired === "running") return row;
  return refuse({
    code: "guard_failed",
    message: `${project.slug} is ${project.status} and has no deploy environment that runs.`,
    hint: `Move it to deployment: slipway transition ${project.slug} deployment --wait`,
  });
}

/** The release that may be deployed: tested well, or deployed before; its snapshot still there. */
async function deployable(
  ctx: QueryCtx,
  project: Doc<"projects">,
  number: number | undefined,
): Promise<Doc<"releases">> {
  if (number === undefined) {
    const passed = await ctx.db
      .query("releases")
      .withIndex("by_project_and_state", (q) => q.eq("projectId", project._id).eq("state", "passed"))
      .order("desc")
      .first();
    if (passed) return await requireKept(ctx, project, passed);
    return refuse({
      code: "guard_failed",
      message: `${project.slug} has no release whose tests have passed.`,
      hint: `Make one: slipway transition ${project.slug} testing --wait`,
    });
  }
  const release = await releaseNumbered(ctx, project._id, number);
  if (!release) {
    return refuse({
      code: "not_found",
      message: `${project.slug} has no release ${number}.`,
      hint: `slipway release list ${project.slug} shows them.`,
    });
  }
  if (release.state === "passed" || release.state === "untested") {
    return await requireKept(ctx, project, release);
  }
  return refuse({
    code: "guard_failed",
    message: `Release ${number} of ${project.slug} cannot be deployed: ${release.message}.`,
    hint: "Only a release whose tests have passed can.",
  });
}

async function requireKept(
  ctx: QueryCtx,
  project: Doc<"projects">,
  release: Doc<"releases">,
): Promise<Doc<"releases">> {
  const kept = await keptSnapshots(ctx, project);
  if (release.snapshot !== undefined && kept.includes(release.snapshot)) return release;
  return refuse({
    code: "not_found",
    message: `The content of release ${release.number} of ${project.slug} is kept no more.`,
    hint: `Bring its source back to dev and release it again: slipway transition ${project.slug} testing`,
  });
}

/** The release that was live before the one that is, or that was live when another one failed. */
async function releaseBefore(
  ctx: QueryCtx,
  project: Doc<"projects">,
  { releaseId, liveReleaseId, kept }: Doc<"environments">,
): Promise<Id<"releases">> {
  if (liveReleaseId !== undefined && releaseId !== liveReleaseId) return liveReleaseId;
  if (kept && kept.releaseId !== liveReleaseId) return kept.releaseId;
  const deploys = await ctx.db
    .query("deploys")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", project._id))
    .order("desc")
    .take(LOOKED_AT);
  const before = deploys.find((deploy) => deploy.state === "live" && deploy.releaseId !== liveReleaseId);
  if (before) return before.releaseId;
  return refuse({
    code: "guard_failed",
    message: `${project.slug} has no release that was live before.`,
    hint: `slipway release list ${project.slug} shows the releases; slipway deploy ${project.slug} --release <n> deploys one.`,
  });
}

type Wanted = Partial<Pick<Doc<"environments">, "releaseId" | "canary" | "replicas">>;

/** Writes what is wanted of the deploy environment from now on, at its next generation. */
async function want(ctx: MutationCtx, actor: Actor, given: Doc<"projects">, wanted: Wanted): Promise<void> {
  const before = await environmentOf(ctx, given._id, "deploy");
  await ctx.db.patch("environments", before._id, wanted);
  const row = { ...before, ...wanted };
  const rows = await environmentsOf(ctx, given._id);
  const desired = Object.fromEntries(rows.map(({ kind, desired }) => [kind, desired])) as Parameters<
    typeof reserve
  >[3];
  const held = await reserve(ctx, given, await manifestOf(ctx, given), desired);
  const changes = { ...held, generation: given.generation + 1 };
  await ctx.db.patch("projects", given._id, changes);
  const project = { ...given, ...changes };
  await applyManifest(ctx, actor, project, await runningManifest(ctx, project, row), [row]);
}

async function runningManifest(ctx: QueryCtx, project: Doc<"projects">, row: Doc<"environments">) {
  const release = row.releaseId && (await ctx.db.get("releases", row.releaseId));
  return release ? await releaseManifest(ctx, release) : await manifestOf(ctx, project);
}

export const deployReportFields = {
  releaseId: v.string(),
  rollout: v.string(),
  state: v.union(v.literal("live"), v.literal("failed")),
  cause: v.union(v.string(), v.null()),
  receipt: v.union(vReceipt, v.null()),
  startedAt: v.number(),
  switchedAt: v.union(v.number(), v.null()),
};
type DeployReport = ObjectType<typeof deployReportFields>;

/**
 * How a worker says that a rollout ended. Live: the release before is kept ready from now on. Failed: what was live
 * before is wanted again. The same again, and what is overtaken by now, changes nothing.
 */
export async function takeDeployReport(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  report: DeployReport,
): Promise<void> {
  const releaseId = ctx.db.normalizeId("releases", report.releaseId);
  const release = releaseId && (await ctx.db.get("releases", releaseId));
  const row = await environmentOf(ctx, project._id, "deploy");
  if (!release || release.projectId !== project._id) {
    refuse({
      code: "not_found",
      message: `${project.slug} has no release "${report.releaseId.slice(0, 100)}".`,
      hint: "Read the project again.",
    });
  }
  const told = `${report.rollout.slice(0, 80)} ${report.state}`;
  const isCanary = row.canary?.releaseId === release._id && report.state === "failed";
  if (row.toldRollout === told || (row.releaseId !== release._id && !isCanary)) return;
  await ctx.db.patch("environments", row._id, { toldRollout: told });
  if (report.state === "live") await becomeLive(ctx, actor, project, row, release, report);
  else await becomeFailed(ctx, actor, project, row, release, report);
}

async function becomeLive(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
  release: Doc<"releases">,
  { receipt, startedAt, switchedAt }: DeployReport,
): Promise<void> {
  const before = row.liveReleaseId;
  if (before !== release._id) {
    const { keepMs } = rolloutPolicy((await releaseManifest(ctx, release)).environments.deploy.rollout);
    const until = Date.now() + keepMs;
    const kept = before ? { releaseId: before, until } : row.kept;
    await ctx.db.patch("environments", row._id, { liveReleaseId: release._id, kept });
    if (before) {
      await ctx.scheduler.runAt(until, internal.maintenance.endKept, { environmentId: row._id, until });
    }
  }
  await endDeploy(ctx, project, release._id, { state: "live", switchedAt, receipt });
  const took = switchedAt === null ? "" : ` ${((switchedAt - startedAt) / 1000).toFixed(1)} s to the switch;`;
  const what = receipt ? `:${took} ${describeReceipt(receipt)}` : "";
  await recordEvent(ctx, {
    type: "deploy.live",
    actor,
    project,
    environment: "deploy",
    to: String(release.number),
    message: `${project.slug} serves release ${release.number}${what}.`,
  });
}

/**
 * The release before is kept ready no more, where it is the one that was to be until then. Only here does that time end:
 * the host's clock may be hours apart from this one.
 */
export async function endKept(ctx: MutationCtx, id: Id<"environments">, until: number): Promise<void> {
  const row = await ctx.db.get("environments", id);
  const project = row && (await ctx.db.get("projects", row.projectId));
  if (!project || row.kept?.until !== until) return;
  await ctx.db.patch("environments", id, { kept: undefined });
  await touchEnvironments(ctx, project, ({ _id }) => _id === id);
}

async function becomeFailed(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
  release: Doc<"releases">,
  { receipt, switchedAt, cause: told }: DeployReport,
): Promise<void> {
  const cause = (told ?? "Its worker gave no reason.").slice(0, 1500);
  await endDeploy(ctx, project, release._id, { state: "failed", switchedAt, receipt, cause });
  const back = row.liveReleaseId;
  const live = back && (await ctx.db.get("releases", back));
  const serves = live && live._id !== release._id ? ` Release ${live.number} serves on.` : "";
  const cost = receipt && switchedAt !== null ? ` ${describeReceipt(receipt)}.` : "";
  await recordEvent(ctx, {
    type: "deploy.failed",
    actor,
    project,
    environment: "deploy",
    from: String(release.number),
    to: live ? String(live.number) : undefined,
    message: `${project.slug} release ${release.number} is not deployed: ${cause}${serves}${cost}`,
  });
  if (row.canary?.releaseId === release._id) await want(ctx, actor, project, { canary: undefined });
  else if (live && live._id !== release._id) await want(ctx, actor, project, { releaseId: live._id });
}

type Ending = {
  state: DeployState;
  switchedAt?: number | null;
  receipt?: Infer<typeof vReceipt> | null;
  cause?: string;
};

/** @returns the number of the deploy of `releaseId` that was under way; 0: there is none */
async function endDeploy(
  ctx: MutationCtx,
  project: Doc<"projects">,
  releaseId: Id<"releases">,
  { state, switchedAt, receipt, cause }: Ending,
): Promise<number> {
  const newest = await deployNumbered(ctx, project._id);
  // One that failed and became ready after all is live; one that is live already only went through a change of its own.
  const goesOn = newest && (!isOver(newest.state) || (newest.state === "failed" && state === "live"));
  if (!goesOn || newest.releaseId !== releaseId) return 0;
  await ctx.db.patch("deploys", newest._id, {
    state,
    endedAt: Date.now(),
    switchedAt: switchedAt ?? undefined,
    receipt: receipt ?? undefined,
    cause,
  });
  return newest.number;
}

/** Forgets one page of the deploys of a project that is gone. @returns whether there may be more */
export async function eraseDeploys(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  page: number,
): Promise<boolean> {
  const rows = await ctx.db
    .query("deploys")
    .withIndex("by_project_and_number", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const { _id } of rows) await ctx.db.delete("deploys", _id);
  return rows.length === page;
}

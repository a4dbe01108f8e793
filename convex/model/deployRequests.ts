import { servicesOf } from "../../core/manifest.ts";
import { LIMITS } from "../../core/manifestFields.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { deployable, releaseBefore, requireKept } from "./deployable.ts";
import { beginDeploy, deployNumbered, endDeploy } from "./deploys.ts";
import { runningManifest, want } from "./deployWanted.ts";
import { environmentOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse } from "./refuse.ts";

/** What people want of a deploy environment: a release, the one before, a canary, more replicas. */

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
  const isUnderWay = newest?.releaseId === release._id && newest.state !== "failed";
  if (row.releaseId === release._id && isUnderWay && !isUndone(row)) {
    return { deploy: newest.number, release: release.number, changed: false };
  }
  return await replaceLive(ctx, actor, project, release, "deploy");
}

/** Whether a change of what is live was undone, and nobody has asked for it since. */
function isUndone({ undone, attempt = 0 }: Doc<"environments">): boolean {
  return undone?.attempt === attempt;
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
  if (row.releaseId === release._id && row.liveReleaseId === release._id && !isUndone(row)) {
    const newest = await deployNumbered(ctx, project._id);
    return { deploy: newest?.number ?? 0, release: release.number, changed: false };
  }
  return await replaceLive(ctx, actor, project, release, "rollback");
}

/** What is a canary becomes what serves. */
export async function promote(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
): Promise<DeployAnswer> {
  const release = await requireCanary(ctx, project);
  return await replaceLive(ctx, actor, project, release, "deploy");
}

/** Takes a canary back. */
export async function abortCanary(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
): Promise<DeployAnswer> {
  const release = await requireCanary(ctx, project);
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

/** All requests go to `release` from now on, and to no canary. */
async function replaceLive(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  release: Doc<"releases">,
  kind: "deploy" | "rollback",
): Promise<DeployAnswer> {
  await want(ctx, actor, project, { releaseId: release._id, canary: undefined });
  const begun = await beginDeploy(ctx, actor, project, release._id, kind);
  return { deploy: begun.number, release: release.number, changed: true };
}

/** The release that gets some of the requests. */
async function requireCanary(ctx: QueryCtx, project: Doc<"projects">): Promise<Doc<"releases">> {
  const { canary } = await requireDeployed(ctx, project);
  const release = canary && (await ctx.db.get("releases", canary.releaseId));
  if (release) return release;
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

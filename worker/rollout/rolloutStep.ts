import type { Receipt, UndoneRollout } from "../../core/rollout.ts";
import { manifestOf, type EnvironmentSpec, type ProjectSpec } from "../../core/projectSpec.ts";
import { lastLines } from "../../core/text.ts";
import type { Clock } from "../clock.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { Fate } from "./fates.ts";
import type { PushedRoute } from "./proof.ts";
import type { Rollouts } from "./rollouts.ts";

/** What a turn of a project does about its rollout (worker/rollout), and what the control plane is told of it. */

const LOG_LINES = 10;

export type RolloutContext = {
  engine: Pick<Engine, "tailLogs">;
  controlPlane: Pick<ControlPlane, "reportDeploy">;
  rollouts: Rollouts;
  clock: Clock;
  log: Log;
};

/** How a rollout ended, for the control plane. */
export type DeployReport = {
  releaseId: string;
  /** Names the rollout: what is told of it again changes nothing. */
  rollout: string;
  state: "live" | "failed";
  cause: string | null;
  receipt: Receipt | null;
  /** ms since 1970 */
  startedAt: number;
  switchedAt: number | null;
  /** What was undone, and is not to be tried again; null: nothing was. */
  undone: Pick<UndoneRollout, "revisions" | "attempt"> | null;
};

/** What becomes of deployed containers of earlier revisions, by name. */
export async function fatesOfEarlier(
  { rollouts }: RolloutContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
): Promise<Map<string, Fate>> {
  const deploy = deployOf(seen);
  return deploy ? await rollouts.fates(spec.namespace, deploy, manifestOf(spec, deploy.spec)) : new Map();
}

/** Decides where the deploy environment's route is to lead, and says it in `seen`. */
export async function decideRollout(
  { rollouts }: RolloutContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  failure: string | null,
): Promise<void> {
  const deploy = deployOf(seen);
  if (!deploy) return;
  const manifest = manifestOf(spec, deploy.spec);
  deploy.rollout = await rollouts.decide(spec.namespace, deploy, manifest, failure);
}

/** The gateway answers by what was decided. */
export async function rolloutPushed(
  { rollouts, log }: RolloutContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  version: number,
  route: PushedRoute | undefined,
): Promise<void> {
  const deploy = deployOf(seen);
  if (!deploy?.rollout) return;
  const before = rollouts.memory(spec.namespace)?.phase;
  const manifest = manifestOf(spec, deploy.spec);
  await rollouts.pushed(spec.namespace, deploy, manifest, deploy.rollout, version, route);
  const { phase, revisions, cause } = deploy.rollout.memory;
  if (phase !== before) log("rollout", { project: spec.slug, phase, revisions, ...(cause && { cause }) });
  await rollouts.endOverdue(spec.namespace, deploy, manifest);
}

/**
 * Tells the control plane that a release is live or has failed, once.
 * @returns whether it is told that what it wants has failed, and so will want what was live before
 */
export async function tellRollout(
  context: RolloutContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  failure: string | null,
): Promise<{ told: boolean; reverts: boolean }> {
  const { rollouts, controlPlane, log } = context;
  const deploy = deployOf(seen);
  const nothing = { told: false, reverts: false };
  if (!deploy?.rollout) return nothing;
  const canary = await tellCanary(context, spec, deploy);
  const report = await reportOf(context, spec, deploy, failure);
  if (!report) return { told: canary, reverts: false };
  const live = deploy.spec.rollout?.live ?? null;
  const reverts = report.state === "failed" && live !== null && live !== report.releaseId;
  const news = `${deploy.spec.generation} ${report.rollout} ${report.state}`;
  if (!rollouts.isNews(spec.namespace, news)) return { told: canary, reverts };
  await controlPlane.reportDeploy(spec.projectId, report);
  rollouts.told(spec.namespace, news);
  log("deploy", { project: spec.slug, ...report });
  return { told: true, reverts };
}

async function reportOf(
  context: RolloutContext,
  spec: ProjectSpec,
  deploy: SeenEnvironment,
  failure: string | null,
): Promise<DeployReport | null> {
  const { release, rollout } = deploy.spec;
  const memory = context.rollouts.memory(spec.namespace);
  if (!release || !memory) return null;
  const receipt = context.rollouts.receipt(spec.namespace);
  const { id, startedAt, switchedDate: switchedAt, revisions, attempt } = memory;
  const undone = memory.phase === "undone" ? { revisions, attempt } : null;
  const report = { releaseId: release.releaseId, rollout: id, startedAt, switchedAt, receipt, undone };
  const isLive = rollout?.live === release.releaseId;
  const cause = memory.phase === "undone" ? memory.cause : isLive ? null : failure;
  if (cause !== null) {
    return { ...report, state: "failed", cause: `${cause}${await lastWords(context, deploy, cause)}` };
  }
  const allReady = deploy.replicas.length > 0 && deploy.replicas.every(({ ready }) => ready);
  // What is live already only went through a change of its own, unless that was undone before.
  const isNothingNew = isLive && receipt === null && !rollout.undone;
  if (memory.phase !== "live" || !allReady || isNothingNew) return null;
  return { ...report, state: "live", cause: null };
}

async function tellCanary(
  { rollouts, controlPlane, clock }: RolloutContext,
  spec: ProjectSpec,
  deploy: SeenEnvironment,
): Promise<boolean> {
  const canary = deploy.spec.rollout?.canary;
  const manifest = manifestOf(spec, deploy.spec);
  const cause = await rollouts.canaryFailure(spec.namespace, deploy, manifest);
  if (!canary || cause === null) return false;
  const { releaseId } = canary.release;
  await controlPlane.reportDeploy(spec.projectId, {
    releaseId,
    rollout: `canary-${releaseId}-${deploy.spec.generation}`,
    state: "failed",
    cause,
    receipt: null,
    startedAt: clock.now(),
    switchedAt: null,
    undone: null,
  });
  return true;
}

/** What the new containers said last, where the cause does not tell already. */
async function lastWords(
  { engine }: RolloutContext,
  { replicas }: SeenEnvironment,
  cause: string,
): Promise<string> {
  if (cause.includes("last lines")) return "";
  const spoke = replicas.filter(({ container }) => container !== null);
  const worst = spoke.find(({ ready }) => !ready) ?? spoke[0];
  if (!worst) return "";
  // They explain a failure; without them the failure is still told.
  return lastLines(await engine.tailLogs(worst.name, LOG_LINES).catch(() => ""));
}

function deployOf(seen: readonly SeenEnvironment[]): SeenEnvironment | undefined {
  return seen.find(({ spec }) => spec.kind === "deploy" && isDeployed(spec));
}

function isDeployed({ desired }: EnvironmentSpec): boolean {
  return desired === "running";
}

import { v, type ObjectType } from "convex/values";
import { describeReceipt, rolloutPolicy } from "../../core/rollout.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { endDeploy } from "./deploys.ts";
import { want } from "./deployWanted.ts";
import { environmentOf, touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse } from "./refuse.ts";
import { releaseManifest } from "./releases.ts";
import { vReceipt } from "./validators.ts";

/** What a worker says became of a rollout. */

export const deployReportFields = {
  releaseId: v.string(),
  rollout: v.string(),
  state: v.union(v.literal("live"), v.literal("failed")),
  cause: v.union(v.string(), v.null()),
  receipt: v.union(vReceipt, v.null()),
  startedAt: v.number(),
  switchedAt: v.union(v.number(), v.null()),
  /** Not given: what failed was never rolled out, and may come to be by itself. */
  undone: v.optional(v.union(v.object({ revisions: v.string(), attempt: v.number() }), v.null())),
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
  await ctx.db.patch("environments", row._id, { undone: undefined });
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
  { rollout, receipt, switchedAt, cause: told, undone }: DeployReport,
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
  // It stays wanted, and would begin anew with the next worker.
  else if (undone) {
    const told = { id: rollout.slice(0, 64), revisions: undone.revisions.slice(0, 1000), cause };
    await ctx.db.patch("environments", row._id, { undone: { ...told, attempt: undone.attempt } });
  }
}

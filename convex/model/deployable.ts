import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { refuse } from "./refuse.ts";
import { keptSnapshots, releaseNumbered } from "./releases.ts";

/** Which release a deploy or a rollback is of. */

/** Among how many earlier deploys the release to go back to is looked for. */
const LOOKED_AT = 50;

/** The release that may be deployed: tested well, or deployed before; its snapshot still there. */
export async function deployable(
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

export async function requireKept(
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
export async function releaseBefore(
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

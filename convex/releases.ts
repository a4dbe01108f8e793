import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query, type MutationCtx } from "./_generated/server";
import {
  actorOf,
  requireMove,
  requireMover,
  requireProject,
  requireReader,
  visibleProject,
} from "./model/access.ts";
import {
  abortCanary,
  promote as promoteCanary,
  requestDeploy,
  requestRollback,
  scale as scaleService,
} from "./model/deployRequests.ts";
import { deployNumbered, deployView, vDeployView } from "./model/deploys.ts";
import { boundedPage, lastPage } from "./model/pages.ts";
import {
  newestRelease,
  releaseDetails,
  releaseNumbered,
  releaseView,
  vReleaseDetails,
  vReleaseView,
} from "./model/releases.ts";

/** The releases of a project (slug, namespace or id), newest first. An unknown project has none. */
export const list = query({
  args: { project: v.string(), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vReleaseView),
  handler: async (ctx, { project: ref, paginationOpts }) => {
    const caller = await requireReader(ctx);
    const project = await visibleProject(ctx, caller, ref);
    if (!project) return lastPage();
    const page = await ctx.db
      .query("releases")
      .withIndex("by_project_and_number", (q) => q.eq("projectId", project._id))
      .order("desc")
      .paginate(boundedPage(paginationOpts));
    return { ...page, page: page.page.map(releaseView) };
  },
});

/** One release of a project, by default the newest, with its manifest and what its tests wrote; null: there is none. */
export const get = query({
  args: { project: v.string(), number: v.optional(v.number()) },
  returns: v.union(vReleaseDetails, v.null()),
  handler: async (ctx, { project: ref, number }) => {
    const caller = await requireReader(ctx);
    const project = await visibleProject(ctx, caller, ref);
    if (!project) return null;
    const release =
      number === undefined
        ? await newestRelease(ctx, project._id)
        : await releaseNumbered(ctx, project._id, number);
    return release && (await releaseDetails(ctx, release));
  },
});

const vDeployAnswer = v.object({ deploy: v.number(), release: v.number(), changed: v.boolean() });

/**
 * Brings a release (default: the newest whose tests have passed) to where the project serves; with `canary`, to so many
 * percent of its requests. For admins, and agents that may move their project to deployment.
 */
export const deploy = mutation({
  args: { project: v.string(), release: v.optional(v.number()), canary: v.optional(v.number()) },
  returns: vDeployAnswer,
  handler: async (ctx, { project: ref, release, canary }) => {
    const { caller, project } = await deployer(ctx, ref);
    return await requestDeploy(ctx, actorOf(caller), project, { release, canary });
  },
});

/** Back to a release, by default the one that was live before. For admins, and agents that may move to deployment. */
export const rollback = mutation({
  args: { project: v.string(), release: v.optional(v.number()) },
  returns: vDeployAnswer,
  handler: async (ctx, { project: ref, release }) => {
    const { caller, project } = await deployer(ctx, ref);
    return await requestRollback(ctx, actorOf(caller), project, release);
  },
});

/** The canary becomes what serves. For admins, and agents that may move to deployment. */
export const promote = mutation({
  args: { project: v.string() },
  returns: vDeployAnswer,
  handler: async (ctx, { project: ref }) => {
    const { caller, project } = await deployer(ctx, ref);
    return await promoteCanary(ctx, actorOf(caller), project);
  },
});

/** Takes the canary back. For admins, and agents that may move to deployment. */
export const abort = mutation({
  args: { project: v.string() },
  returns: vDeployAnswer,
  handler: async (ctx, { project: ref }) => {
    const { caller, project } = await deployer(ctx, ref);
    return await abortCanary(ctx, actorOf(caller), project);
  },
});

/** So many replicas of a deployed service; null: as its manifest says. For admins, and agents that may move to deployment. */
export const scale = mutation({
  args: { project: v.string(), service: v.string(), replicas: v.union(v.number(), v.null()) },
  returns: v.object({ changed: v.boolean() }),
  handler: async (ctx, { project: ref, service, replicas }) => {
    const { caller, project } = await deployer(ctx, ref);
    return await scaleService(ctx, actorOf(caller), project, service, replicas);
  },
});

async function deployer(ctx: MutationCtx, ref: string) {
  const caller = await requireMover(ctx);
  const project = await requireProject(ctx, caller, ref);
  requireMove(caller, "deployment");
  return { caller, project };
}

/** The deploys of a project, newest first, each with its receipt. An unknown project has none. */
export const listDeploys = query({
  args: { project: v.string(), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vDeployView),
  handler: async (ctx, { project: ref, paginationOpts }) => {
    const caller = await requireReader(ctx);
    const project = await visibleProject(ctx, caller, ref);
    if (!project) return lastPage();
    const page = await ctx.db
      .query("deploys")
      .withIndex("by_project_and_number", (q) => q.eq("projectId", project._id))
      .order("desc")
      .paginate(boundedPage(paginationOpts));
    return { ...page, page: page.page.map(deployView) };
  },
});

/** One deploy of a project, by default the newest; null: there is none. */
export const getDeploy = query({
  args: { project: v.string(), number: v.optional(v.number()) },
  returns: v.union(vDeployView, v.null()),
  handler: async (ctx, { project: ref, number }) => {
    const caller = await requireReader(ctx);
    const project = await visibleProject(ctx, caller, ref);
    const found = project && (await deployNumbered(ctx, project._id, number));
    return found && deployView(found);
  },
});

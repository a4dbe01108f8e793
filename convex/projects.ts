import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import {
  actorOf,
  requireAdmin,
  requireInstanceAdmin,
  requireMover,
  requireProject,
  requireReader,
  visibleProject,
} from "./model/access.ts";
import { noneCounted, statusCounts as countsOf } from "./model/counts.ts";
import { boundedPage, lastPage } from "./model/pages.ts";
import {
  createProject as create,
  projectSummary,
  projectView,
  vProjectSummary,
  vProjectView,
} from "./model/projects.ts";
import { requestMove, vMoveResult } from "./model/transition.ts";
import { updateManifest as updateOf } from "./model/updateManifest.ts";
import { retry } from "./model/retry.ts";
import { vKind, vStatus, vStatusCounts } from "./model/validators.ts";

/**
 * Makes a project in `created`: nothing runs yet.
 * `name` and `stack` go before what `manifest` (core/manifest.ts) says; with neither stack nor services: `node`.
 * @throws ConvexError `bad_manifest`, `bad_request`, `name_taken` with a name that is free
 */
export const createProject = mutation({
  args: { name: v.string(), stack: v.optional(v.string()), manifest: v.optional(v.any()) },
  returns: v.object({ projectId: v.id("projects"), slug: v.string(), namespace: v.string() }),
  handler: async (ctx, args) => {
    const caller = await requireInstanceAdmin(ctx);
    return await create(ctx, actorOf(caller), args);
  },
});

/**
 * Puts another manifest (core/manifest.ts) in place of a project's, and what it concerns to a new generation. Its name
 * stays; its group, and which domains it takes, are not for a token of that project alone.
 * @returns `revision`, and the dotted paths that changed; none where it was so already
 * @throws ConvexError `status_changed` where `expectedRevision` is not the present one, `bad_manifest`, `name_taken`,
 *   `no_capacity`, `guard_failed`, `forbidden`
 */
export const updateManifest = mutation({
  args: { project: v.string(), manifest: v.any(), expectedRevision: v.optional(v.number()) },
  returns: v.object({
    revision: v.number(),
    changed: v.array(v.string()),
    environments: v.array(vKind),
  }),
  handler: async (ctx, { project: ref, ...update }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    return await updateOf(ctx, caller, project, update);
  },
});

/**
 * Moves a project (slug, namespace or id) along one edge of core/lifecycle.ts: compare-and-set, guard, effects and
 * event in one transaction. The same `requestId` again answers as before and changes nothing.
 * @returns `changed: false` where it was there already; `generation` is what its environments will be observed at
 * @throws ConvexError `illegal_transition` with what is allowed, `status_changed`, `guard_failed`, `forbidden`,
 *   `no_host`, `no_capacity`, `pool_exhausted`
 */
export const updateProjectStatus = mutation({
  args: {
    project: v.string(),
    to: v.string(),
    expectedFrom: v.optional(v.string()),
    reason: v.optional(v.string()),
    requestId: v.optional(v.string()),
    override: v.optional(v.boolean()),
  },
  returns: vMoveResult,
  handler: async (ctx, { project: ref, ...request }) => {
    const caller = await requireMover(ctx);
    const project = await requireProject(ctx, caller, ref);
    return await requestMove(ctx, caller, project, request);
  },
});

/** One project (slug, namespace or id) with what is desired and what was seen; null: there is none, or it is not yours. */
export const getProject = query({
  args: { project: v.string() },
  returns: v.union(vProjectView, v.null()),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    const project = await visibleProject(ctx, caller, ref);
    return project && (await projectView(ctx, project));
  },
});

/** The projects that the caller may see, newest first, at most 100 a page. */
export const listProjects = query({
  args: { paginationOpts: paginationOptsValidator, status: v.optional(vStatus) },
  returns: paginationResultValidator(vProjectSummary),
  handler: async (ctx, { paginationOpts, status }) => {
    const caller = await requireReader(ctx);
    if (caller.scope !== "all") {
      const own = caller.scope === "none" ? null : await ctx.db.get("projects", caller.scope);
      const shown = own && (status === undefined || own.status === status) ? [own] : [];
      return lastPage(await Promise.all(shown.map((project) => projectSummary(ctx, project))));
    }
    const projects =
      status === undefined
        ? ctx.db.query("projects").order("desc")
        : ctx.db
            .query("projects")
            .withIndex("by_status", (q) => q.eq("status", status))
            .order("desc");
    const page = await projects.paginate(boundedPage(paginationOpts));
    return { ...page, page: await Promise.all(page.page.map((project) => projectSummary(ctx, project))) };
  },
});

/** How many projects of those that the caller may see are in each status. */
export const statusCounts = query({
  args: {},
  returns: vStatusCounts,
  handler: async (ctx) => {
    const caller = await requireReader(ctx);
    if (caller.scope === "all") return await countsOf(ctx);
    const own = caller.scope === "none" ? null : await ctx.db.get("projects", caller.scope);
    return { ...noneCounted(), ...(own && { [own.status]: 1 }) };
  },
});

/**
 * Moves a project to `deleting`. Its rows go when its worker has confirmed that nothing of it is left, and at once
 * where no worker ever had anything of it. Its events stay.
 */
export const deleteProject = mutation({
  args: { project: v.string(), reason: v.optional(v.string()) },
  returns: v.object({ projectId: v.id("projects") }),
  handler: async (ctx, { project: ref, reason }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    await requestMove(ctx, caller, project, { to: "deleting", reason });
    return { projectId: project._id };
  },
});

/**
 * Makes the worker try again what has failed, in one environment or in all.
 * @returns the environments that are tried again; none where nothing has failed
 */
export const retryProject = mutation({
  args: { project: v.string(), environment: v.optional(vKind) },
  returns: v.object({ environments: v.array(vKind) }),
  handler: async (ctx, { project: ref, environment }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    return { environments: await retry(ctx, actorOf(caller), project, environment) };
  },
});

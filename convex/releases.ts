import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { query } from "./_generated/server";
import { requireReader, visibleProject } from "./model/access.ts";
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

import { v } from "convex/values";
import { mutation } from "./_generated/server";
import { actorOf, requireAdmin, requireProject } from "./model/access.ts";
import * as sources from "./model/sources.ts";

/** How a folder becomes the source of a project whose manifest names one: upload its archive, then attach that. */

/** An address to POST one gzipped tar to, with the media type of core/source.ts. */
export const uploadUrl = mutation({
  args: { project: v.string() },
  returns: v.string(),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    return await sources.uploadUrl(ctx, project);
  },
});

/** Takes the uploaded archive as the project's source. `sha256` in hex, of the archive; `files` are those in it. */
export const attach = mutation({
  args: {
    project: v.string(),
    storageId: v.string(),
    sha256: v.string(),
    bytes: v.number(),
    files: v.number(),
  },
  returns: v.null(),
  handler: async (ctx, { project: ref, ...archive }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    await sources.attach(ctx, actorOf(caller), project, archive);
    return null;
  },
});

import { v } from "convex/values";
import { query } from "./_generated/server";
import { requireLogReader, requireProject } from "./model/access.ts";
import { tailLogs } from "./model/logs.ts";
import { vKind, vLogLine } from "./model/validators.ts";

const MAX_LINES = 1000;

/** The last lines (200, or `limit` up to 1000) of an environment, of one service or of all, oldest first. */
export const tail = query({
  args: {
    project: v.string(),
    environment: vKind,
    service: v.optional(v.string()),
    limit: v.optional(v.number()),
  },
  returns: v.array(vLogLine),
  handler: async (ctx, { project: ref, environment, service, limit = 200 }) => {
    const caller = await requireLogReader(ctx);
    const project = await requireProject(ctx, caller, ref);
    const bounded = Math.max(1, Math.min(MAX_LINES, Math.floor(limit)));
    return await tailLogs(ctx, project._id, environment, { service, limit: bounded });
  },
});

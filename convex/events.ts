import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { EVENT_TYPES } from "../core/eventTypes.ts";
import { NAMESPACE } from "../core/naming.ts";
import { query } from "./_generated/server";
import { requireReader, visibleProject } from "./model/access.ts";
import { eventView } from "./model/events.ts";
import { boundedPage, lastPage } from "./model/pages.ts";
import { vActor, vKind } from "./model/validators.ts";

const vEventView = v.object({
  eventId: v.id("events"),
  at: v.number(),
  type: v.union(...EVENT_TYPES.map((type) => v.literal(type))),
  actor: vActor,
  project: v.union(v.string(), v.null()),
  namespace: v.union(v.string(), v.null()),
  environment: v.union(vKind, v.null()),
  from: v.union(v.string(), v.null()),
  to: v.union(v.string(), v.null()),
  reason: v.union(v.string(), v.null()),
  override: v.boolean(),
  message: v.string(),
});

/**
 * The audit log, newest first, of one project (slug, namespace or id; of one that is gone by its namespace) or of all
 * that the caller may see. At most 100 a page. An unknown project has no events.
 */
export const listEvents = query({
  args: { project: v.optional(v.string()), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vEventView),
  handler: async (ctx, { project: ref, paginationOpts }) => {
    const caller = await requireReader(ctx);
    const wanted = ref ?? (caller.scope === "all" ? undefined : caller.scope);
    const project = wanted === undefined ? null : await visibleProject(ctx, caller, wanted);
    const gone =
      caller.scope === "all" && wanted !== undefined && NAMESPACE.test(wanted) ? wanted : undefined;
    const namespace = project?.namespace ?? gone;
    if (wanted !== undefined && namespace === undefined) return lastPage();
    const events =
      namespace === undefined
        ? ctx.db.query("events").order("desc")
        : ctx.db
            .query("events")
            .withIndex("by_namespace", (q) => q.eq("namespace", namespace))
            .order("desc");
    const page = await events.paginate(boundedPage(paginationOpts));
    return { ...page, page: page.page.map(eventView) };
  },
});

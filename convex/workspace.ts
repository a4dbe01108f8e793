import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { actorOf, requireProject, requireReader, requireWorkspace } from "./model/access.ts";
import { recordEvent } from "./model/events.ts";
import { vKind } from "./model/validators.ts";

/** Who may reach a project's files and containers, and by which worker's door (worker/door/). */

const MOST_DETAIL = 200;

/** Where the door of the project's worker is; null while it lives on no host, or that has none. */
export const door = query({
  args: { project: v.string() },
  returns: v.object({
    namespace: v.string(),
    slug: v.string(),
    host: v.union(v.string(), v.null()),
    hostState: v.union(v.literal("live"), v.literal("lost"), v.literal("left"), v.null()),
    url: v.union(v.string(), v.null()),
  }),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    const { hostId, namespace, slug } = await requireProject(ctx, caller, ref);
    const host = hostId && (await ctx.db.get("hosts", hostId));
    return {
      namespace,
      slug,
      host: host?.name ?? null,
      hostState: host?.state ?? null,
      url: host?.doorUrl ?? null,
    };
  },
});

/**
 * Asked by a worker's door with the token of whoever knocks: may they, and of which project do they speak?
 * What changes something is recorded in the same transaction: nothing is done that the audit does not know of.
 * @param detail what is done, in a few words without secrets: a program's name, a path
 * @throws ConvexError `forbidden`, `not_found`, `unauthenticated`
 */
export const authorize = mutation({
  args: {
    project: v.string(),
    environment: vKind,
    verb: v.union(v.literal("files.read"), v.literal("files.write"), v.literal("exec")),
    detail: v.optional(v.string()),
  },
  returns: v.object({
    projectId: v.id("projects"),
    namespace: v.string(),
    slug: v.string(),
    hostId: v.union(v.id("hosts"), v.null()),
  }),
  handler: async (ctx, { project: ref, environment, verb, detail = "" }) => {
    const caller = await requireWorkspace(ctx, verb, environment);
    const project = await requireProject(ctx, caller, ref);
    if (verb !== "files.read") {
      const what = detail.slice(0, MOST_DETAIL) || (verb === "exec" ? "a command" : "files");
      await recordEvent(ctx, {
        type: verb === "exec" ? "workspace.exec" : "workspace.written",
        actor: actorOf(caller),
        project,
        environment,
        message:
          verb === "exec"
            ? `${caller.subject} ran ${what} in ${project.slug} ${environment}.`
            : `${caller.subject} changed files of ${project.slug} ${environment}: ${what}.`,
      });
    }
    return {
      projectId: project._id,
      namespace: project.namespace,
      slug: project.slug,
      hostId: project.hostId ?? null,
    };
  },
});

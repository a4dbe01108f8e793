import { v } from "convex/values";
import { defaultVerbs } from "../core/access.ts";
import { internal } from "./_generated/api";
import { internalAction, internalMutation } from "./_generated/server";
import { actorOf, noSuchProject, OPERATOR } from "./model/access.ts";
import { findProject } from "./model/find.ts";
import { putInInbox } from "./model/inbox.ts";
import { environmentsOf, touchEnvironments } from "./model/environments.ts";
import { retry as retryEnvironments } from "./model/retry.ts";
import { signingKey, signToken } from "./model/signing.ts";
import { registerToken } from "./model/tokens.ts";
import { requestMove, vMoveResult } from "./model/transition.ts";
import { vKind, vRole } from "./model/validators.ts";

/**
 * For whoever holds the deployment: the Convex dashboard's "run function", and `npx convex run admin:…`. No token is
 * asked for, because none of these can be called from outside.
 */

const PAGE = 25;

/** `npx convex run admin:transition '{"project": "shop", "to": "paused", "reason": "maintenance"}'` */
export const transition = internalMutation({
  args: {
    project: v.string(),
    to: v.string(),
    reason: v.optional(v.string()),
    override: v.optional(v.boolean()),
  },
  returns: vMoveResult,
  handler: async (ctx, { project: ref, ...request }) => {
    const project = (await findProject(ctx, ref)) ?? noSuchProject(ref);
    return await requestMove(ctx, OPERATOR, project, request);
  },
});

/** Makes the worker try again what has failed. */
export const retry = internalMutation({
  args: { project: v.string(), environment: v.optional(vKind) },
  returns: v.object({ environments: v.array(vKind) }),
  handler: async (ctx, { project: ref, environment }) => {
    const project = (await findProject(ctx, ref)) ?? noSuchProject(ref);
    return { environments: await retryEnvironments(ctx, actorOf(OPERATOR), project, environment) };
  },
});

/** Pauses every project that is being developed, tested or deployed, in pages. Returns how many were in this one. */
export const pauseAll = internalMutation({
  args: { reason: v.string() },
  returns: v.object({ paused: v.number(), more: v.boolean() }),
  handler: async (ctx, { reason }) => {
    let paused = 0;
    for (const status of ["development", "testing", "deployment"] as const) {
      const projects = await ctx.db
        .query("projects")
        .withIndex("by_status", (q) => q.eq("status", status))
        .take(PAGE - paused);
      for (const project of projects) await requestMove(ctx, OPERATOR, project, { to: "paused", reason });
      paused += projects.length;
    }
    const more = paused === PAGE;
    if (more) await ctx.scheduler.runAfter(0, internal.admin.pauseAll, { reason });
    return { paused, more };
  },
});

/** Has the workers look again at all environments of one project, or of every project in pages. */
export const reconcile = internalMutation({
  args: { project: v.optional(v.string()), cursor: v.optional(v.union(v.string(), v.null())) },
  returns: v.object({ projects: v.number(), more: v.boolean() }),
  handler: async (ctx, { project: ref, cursor = null }) => {
    if (ref !== undefined) {
      const project = (await findProject(ctx, ref)) ?? noSuchProject(ref);
      await touchEnvironments(ctx, project, () => true);
      return { projects: 1, more: false };
    }
    const page = await ctx.db.query("projects").paginate({ cursor, numItems: PAGE });
    for (const project of page.page) {
      for (const row of await environmentsOf(ctx, project._id)) await putInInbox(ctx, project, row);
    }
    if (!page.isDone) {
      await ctx.scheduler.runAfter(0, internal.admin.reconcile, { cursor: page.continueCursor });
    }
    return { projects: page.page.length, more: !page.isDone };
  },
});

/**
 * A token, where the deployment holds the signing key (SLIPWAY_SIGNING_KEY, a private JWK). `ttlMs` is in
 * milliseconds, an hour by default. The token is shown once, here, and kept nowhere.
 */
export const issueToken = internalAction({
  args: {
    role: vRole,
    subject: v.string(),
    project: v.optional(v.string()),
    verbs: v.optional(v.array(v.string())),
    ttlMs: v.optional(v.number()),
    note: v.optional(v.string()),
  },
  returns: v.object({ tokenId: v.string(), expiresAt: v.number(), token: v.string() }),
  handler: async (ctx, { ttlMs = 3_600_000, note, project, ...who }) => {
    const key = signingKey();
    const tokenId: string = crypto.randomUUID();
    const expiresAt = Date.now() + ttlMs;
    const { projectId, verbs } = await ctx.runMutation(internal.admin.registerIssued, {
      ...who,
      tokenId,
      expiresAt,
      project,
      note,
    });
    const token = await signToken(
      { ...who, tokenId, expiresAt, project: projectId ?? undefined, verbs },
      key,
    );
    return { tokenId, expiresAt, token };
  },
});

/** The row of a token that {@link issueToken} is about to sign; an agent's verbs default to those of its name. */
export const registerIssued = internalMutation({
  args: {
    tokenId: v.string(),
    role: vRole,
    subject: v.string(),
    project: v.optional(v.string()),
    verbs: v.optional(v.array(v.string())),
    expiresAt: v.number(),
    note: v.optional(v.string()),
  },
  returns: v.object({
    projectId: v.union(v.id("projects"), v.null()),
    verbs: v.optional(v.array(v.string())),
  }),
  handler: async (ctx, { project: ref, ...registration }) => {
    const project = ref === undefined ? undefined : ((await findProject(ctx, ref)) ?? noSuchProject(ref));
    const verbs = registration.verbs ?? defaultVerbs(registration.role, registration.subject);
    await registerToken(ctx, actorOf(OPERATOR), { ...registration, verbs, projectId: project?._id });
    return { projectId: project?._id ?? null, verbs };
  },
});

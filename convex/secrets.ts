import { v } from "convex/values";
import { sealVersion } from "../core/render/hidden.ts";
import { mutation, query } from "./_generated/server";
import { actorOf, requireAdmin, requireProject, requireReader } from "./model/access.ts";
import * as secrets from "./model/secrets.ts";
import { sealingKey as keyOf } from "./model/settings.ts";

/** The public key to seal secrets with (core/sealing.ts), as a JWK. */
export const sealingKey = query({
  args: {},
  returns: v.object({
    kty: v.literal("EC"),
    crv: v.literal("P-256"),
    x: v.string(),
    y: v.string(),
    kid: v.string(),
  }),
  handler: async (ctx) => {
    await requireAdmin(ctx);
    return keyOf();
  },
});

/** Keeps `sealed`, which only the workers can open, as the variable `name` of the project's services. */
export const setSecret = mutation({
  args: { project: v.string(), name: v.string(), sealed: v.string() },
  returns: v.null(),
  handler: async (ctx, { project: ref, ...secret }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    await secrets.setSecret(ctx, actorOf(caller), project, secret);
    return null;
  },
});

export const removeSecret = mutation({
  args: { project: v.string(), name: v.string() },
  returns: v.null(),
  handler: async (ctx, { project: ref, name }) => {
    const caller = await requireAdmin(ctx);
    const project = await requireProject(ctx, caller, ref);
    await secrets.removeSecret(ctx, actorOf(caller), project, name);
    return null;
  },
});

/** The names of a project's secrets, and who set each when. Never what they say, sealed or not. */
export const listSecrets = query({
  args: { project: v.string() },
  returns: v.array(
    v.object({
      name: v.string(),
      setAt: v.number(),
      setBy: v.string(),
      /** Another one whenever it is set; it tells nothing of what was set. */
      version: v.string(),
    }),
  ),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    const project = await requireProject(ctx, caller, ref);
    const rows = await secrets.secretsOf(ctx, project._id);
    return rows.map(({ name, setAt, setBy, sealed }) => ({
      ...{ name, setAt, setBy },
      version: sealVersion(sealed),
    }));
  },
});

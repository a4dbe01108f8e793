import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { actorOf, requireInstanceAdmin, requireProject, requireReader } from "./model/access.ts";
import * as certificates from "./model/certificates.ts";

/** The project that has `domain`: its key must be sealed for that one. */
export const domainOwner = query({
  args: { domain: v.string() },
  returns: v.object({ domain: v.string(), slug: v.string(), namespace: v.string() }),
  handler: async (ctx, args) => {
    await requireInstanceAdmin(ctx);
    const { domain, project } = await certificates.requireDomain(ctx, args.domain);
    return { domain: domain.name, slug: project.slug, namespace: project.namespace };
  },
});

/** Keeps a certificate for a project's domain: `chain` as PEM, its key `sealed` so that only the workers can open it. */
export const setCertificate = mutation({
  args: { domain: v.string(), chain: v.string(), sealed: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    const caller = await requireInstanceAdmin(ctx);
    await certificates.setCertificate(ctx, actorOf(caller), args);
    return null;
  },
});

/** Afterwards the domain gets a certificate as any other does. */
export const removeCertificate = mutation({
  args: { domain: v.string() },
  returns: v.null(),
  handler: async (ctx, { domain }) => {
    const caller = await requireInstanceAdmin(ctx);
    await certificates.removeCertificate(ctx, actorOf(caller), domain);
    return null;
  },
});

/** The certificates that were set for a project's domains. Never their keys, sealed or not. */
export const listCertificates = query({
  args: { project: v.string() },
  returns: v.array(certificates.vCertificateView),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    const project = await requireProject(ctx, caller, ref);
    return await certificates.certificateViews(ctx, project);
  },
});

import { v } from "convex/values";
import { domainName, MAX_DOMAINS } from "../../core/gatewaySettings.ts";
import { certificateSecret, readSeal } from "../../core/sealing.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { findDomain } from "./domains.ts";
import { touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse } from "./refuse.ts";

/** Certificates that people brought for their domains. The key is sealed: only workers can open it. */

const MAX_CHAIN = 64 * 1024;
const PEM_CHAIN = /^(?:-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$/;

export async function requireDomain(
  ctx: QueryCtx,
  name: string,
): Promise<{ domain: Doc<"domains">; project: Doc<"projects"> }> {
  const domain = await findDomain(ctx, domainName(name) ?? "");
  const project = domain && (await ctx.db.get("projects", domain.projectId));
  if (domain && project) return { domain, project };
  return refuse({
    code: "not_found",
    message: `No project has the domain "${name.slice(0, 253)}".`,
    hint: "Name it under domains in a project's manifest first.",
  });
}

export async function setCertificate(
  ctx: MutationCtx,
  actor: Actor,
  { domain: name, chain, sealed }: { domain: string; chain: string; sealed: string },
): Promise<void> {
  const { domain, project } = await requireDomain(ctx, name);
  if (chain.length > MAX_CHAIN || !PEM_CHAIN.test(chain)) {
    refuse({
      code: "bad_request",
      message: `A certificate's chain is PEM, of at most ${MAX_CHAIN / 1024} KiB, with nothing else in it.`,
      path: "chain",
    });
  }
  const seal = readSeal(sealed);
  if (!seal || seal.namespace !== project.namespace || seal.name !== certificateSecret(domain.name)) {
    refuse({
      code: "bad_request",
      message: `This is not the key of ${domain.name}, sealed for its worker.`,
      path: "sealed",
      hint: `Use the command line, which seals it: slipway cert set ${domain.name} --cert … --key …`,
    });
  }
  const known = await certificateOf(ctx, domain._id);
  const fields = {
    projectId: project._id,
    domainId: domain._id,
    domain: domain.name,
    chain,
    sealed,
    setAt: Date.now(),
    setBy: actor.subject,
  };
  if (known) await ctx.db.replace("certificates", known._id, fields);
  else await ctx.db.insert("certificates", fields);
  await announce(ctx, actor, project, "certificate.set", `A certificate for ${domain.name} was set.`);
}

export async function removeCertificate(ctx: MutationCtx, actor: Actor, name: string): Promise<void> {
  const { domain, project } = await requireDomain(ctx, name);
  if (!(await eraseCertificate(ctx, domain._id))) {
    refuse({
      code: "not_found",
      message: `${domain.name} has no certificate that was set.`,
      hint: "slipway cert list shows where each one comes from.",
    });
  }
  await announce(
    ctx,
    actor,
    project,
    "certificate.removed",
    `The certificate of ${domain.name} was removed.`,
  );
}

/** @returns whether there was one */
export async function eraseCertificate(ctx: MutationCtx, domainId: Id<"domains">): Promise<boolean> {
  const known = await certificateOf(ctx, domainId);
  if (known) await ctx.db.delete("certificates", known._id);
  return known !== null;
}

async function certificateOf(ctx: QueryCtx, domainId: Id<"domains">): Promise<Doc<"certificates"> | null> {
  return await ctx.db
    .query("certificates")
    .withIndex("by_domain", (q) => q.eq("domainId", domainId))
    .unique();
}

async function certificatesOf(ctx: QueryCtx, projectId: Id<"projects">): Promise<Doc<"certificates">[]> {
  return await ctx.db
    .query("certificates")
    .withIndex("by_project", (q) => q.eq("projectId", projectId))
    .take(MAX_DOMAINS);
}

/** By domain: the chain as PEM and the sealed key. */
export const vCertificateSpecs = v.record(v.string(), v.object({ chain: v.string(), key: v.string() }));

/** What a worker needs of the project's certificates. */
export async function certificateSpecs(ctx: QueryCtx, project: Doc<"projects">) {
  const rows = await certificatesOf(ctx, project._id);
  return Object.fromEntries(rows.map(({ domain, chain, sealed }) => [domain, { chain, key: sealed }]));
}

export const vCertificateView = v.object({
  domain: v.string(),
  /** Public: whoever connects gets it. */
  chain: v.string(),
  setAt: v.number(),
  setBy: v.string(),
});

export async function certificateViews(ctx: QueryCtx, project: Doc<"projects">) {
  const rows = await certificatesOf(ctx, project._id);
  return rows.map(({ domain, chain, setAt, setBy }) => ({ domain, chain, setAt, setBy }));
}

async function announce(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  type: "certificate.set" | "certificate.removed",
  message: string,
): Promise<void> {
  await recordEvent(ctx, { type, actor, project, message });
  await touchEnvironments(ctx, project, (row) => row.kind === "deploy" && row.desired !== "absent");
}

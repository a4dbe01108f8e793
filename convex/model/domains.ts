import { isBelow, MAX_DOMAINS } from "../../core/gatewaySettings.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { eraseCertificate } from "./certificates.ts";
import { refuse } from "./refuse.ts";
import { baseDomain } from "./settings.ts";

/** A domain has one project, from the transaction that names it in the manifest to the one that does not any more. */

export async function findDomain(ctx: QueryCtx, name: string): Promise<Doc<"domains"> | null> {
  return await ctx.db
    .query("domains")
    .withIndex("by_name", (q) => q.eq("name", name))
    .unique();
}

async function domainsOf(ctx: QueryCtx, project: Doc<"projects">): Promise<Doc<"domains">[]> {
  return await ctx.db
    .query("domains")
    .withIndex("by_project", (q) => q.eq("projectId", project._id))
    .take(MAX_DOMAINS);
}

/**
 * Makes `names` the project's domains; those that it had and are not among them are free again.
 * @throws ConvexError `name_taken` where another project has one, which stays unnamed; `bad_manifest` where one is below
 *   the names that Slipway itself gives out
 */
export async function claimDomains(
  ctx: MutationCtx,
  project: Doc<"projects">,
  names: readonly string[],
): Promise<void> {
  for (const [index, name] of names.entries()) {
    if (!isBelow(name, baseDomain())) continue;
    refuse({
      code: "bad_manifest",
      message: `The manifest is refused: domains.${index}: ${name} is below ${baseDomain()}, whose names Slipway gives out itself.`,
      path: `domains.${index}`,
      hint: "Choose a name outside of it.",
    });
  }
  const before = await domainsOf(ctx, project);
  for (const row of before.filter(({ name }) => !names.includes(name))) {
    await eraseCertificate(ctx, row._id);
    await ctx.db.delete("domains", row._id);
  }
  for (const [index, name] of names.entries()) {
    const taken = await findDomain(ctx, name);
    if (taken && taken.projectId !== project._id) {
      refuse({
        code: "name_taken",
        message: `The domain ${name} is taken: another project has it.`,
        path: `domains.${index}`,
        hint: "Take it out of that project's manifest first, or choose another one.",
      });
    }
    if (!taken) await ctx.db.insert("domains", { name, projectId: project._id });
  }
}

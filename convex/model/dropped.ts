import type { Manifest } from "../../core/manifest.ts";
import { publishedServices } from "../../core/ports.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { manifestOf } from "./manifests.ts";
import { releasePort } from "./ports.ts";
import { releaseManifest } from "./releases.ts";
import { releaseSubnet } from "./subnets.ts";

/**
 * Gives back what an environment has and nobody asks for any more: ports of services that are published no longer, the
 * subnet of an egress that was closed. Only once its worker has seen it run as it is wanted now: then no container uses
 * them. A release that is live, kept ready or a canary asks for what its own manifest says.
 */
export async function releaseDropped(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  row: Doc<"environments">,
): Promise<void> {
  const held = Object.keys(row.ports ?? {});
  if (held.length === 0 && row.egressSubnet === undefined) return;
  const manifests = await asking(ctx, project, row);
  const published = new Set(manifests.flatMap(publishedServices));
  const dropped = held.filter((service) => !published.has(service));
  for (const service of dropped) {
    await releasePort(ctx, actor, project, { projectId: project._id, kind: row.kind, service });
  }
  if (dropped.length > 0) {
    const kept = Object.entries(row.ports ?? {}).filter(([service]) => published.has(service));
    await ctx.db.patch("environments", row._id, { ports: Object.fromEntries(kept) });
  }
  if (row.egressSubnet !== undefined && manifests.every(({ egress }) => egress !== "open")) {
    await releaseSubnet(ctx, actor, project, { id: project._id, kind: row.kind, which: "egress" });
    await ctx.db.patch("environments", row._id, { egressSubnet: undefined });
  }
}

/** The manifests that the environment runs, may go back to, or will run next. */
async function asking(
  ctx: MutationCtx,
  project: Doc<"projects">,
  row: Doc<"environments">,
): Promise<Manifest[]> {
  const ids = [row.releaseId, row.liveReleaseId, row.kept?.releaseId, row.canary?.releaseId];
  const manifests = [await manifestOf(ctx, project)];
  for (const id of new Set(ids.filter((id): id is Id<"releases"> => id !== undefined))) {
    const release = await ctx.db.get("releases", id);
    if (release) manifests.push(await releaseManifest(ctx, release));
  }
  return manifests;
}

import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { reserve } from "./capacity.ts";
import { applyManifest, environmentOf, environmentsOf } from "./environments.ts";
import type { Actor } from "./events.ts";
import { manifestOf } from "./manifests.ts";
import { releaseManifest } from "./releases.ts";

type Wanted = Partial<Pick<Doc<"environments">, "releaseId" | "canary" | "replicas">>;

/** Writes what is wanted of the deploy environment from now on, at its next generation. */
export async function want(
  ctx: MutationCtx,
  actor: Actor,
  given: Doc<"projects">,
  wanted: Wanted,
): Promise<void> {
  const before = await environmentOf(ctx, given._id, "deploy");
  await ctx.db.patch("environments", before._id, wanted);
  const row = { ...before, ...wanted };
  const rows = await environmentsOf(ctx, given._id);
  const desired = Object.fromEntries(rows.map(({ kind, desired }) => [kind, desired])) as Parameters<
    typeof reserve
  >[3];
  const held = await reserve(ctx, given, await manifestOf(ctx, given), desired);
  const changes = { ...held, generation: given.generation + 1 };
  await ctx.db.patch("projects", given._id, changes);
  const project = { ...given, ...changes };
  await applyManifest(ctx, actor, project, await runningManifest(ctx, project, row), [row]);
}

/** The manifest of the release that the environment is told to run; without one the project's own. */
export async function runningManifest(ctx: QueryCtx, project: Doc<"projects">, row: Doc<"environments">) {
  const release = row.releaseId && (await ctx.db.get("releases", row.releaseId));
  return release ? await releaseManifest(ctx, release) : await manifestOf(ctx, project);
}

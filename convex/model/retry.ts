import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { askAgain } from "./deploys.ts";
import { observationsOf, touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";

/** Gives environments that have failed to the worker again. */
export async function retry(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  only?: EnvironmentKind,
): Promise<EnvironmentKind[]> {
  const seen = await observationsOf(ctx, project._id);
  const failed = await touchEnvironments(
    ctx,
    project,
    (row) => (only === undefined || row.kind === only) && seen.get(row.kind)?.phase === "failed",
  );
  if (failed.includes("deploy")) await askAgain(ctx, project._id);
  if (failed.length > 0) {
    await recordEvent(ctx, {
      type: "environment.retried",
      actor,
      project,
      message: `${project.slug} ${failed.join(" and ")} is tried again.`,
    });
  }
  return failed;
}

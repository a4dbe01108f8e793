import { GUARDS, type Edge, type GuardName } from "../../core/lifecycle.ts";
import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { environmentOf, observationOf } from "./environments.ts";
import { newestRelease } from "./releases.ts";
import { refuse } from "./refuse.ts";

/**
 * Refuses a move whose guard does not hold, unless it is overridden.
 * @returns whether the override was what let it pass
 */
export async function requireGuard(
  ctx: QueryCtx,
  project: Doc<"projects">,
  edge: Edge,
  override: boolean,
): Promise<boolean> {
  if (edge.guard === undefined) return false;
  const failure = await failureOf[edge.guard](ctx, project);
  if (failure === null) return false;
  if (override) return true;
  return refuse({
    code: "guard_failed",
    message: `${project.slug} cannot go to ${edge.to} until ${GUARDS[edge.guard]}: ${failure}.`,
    hint: `Put that right and try again; an admin may override it with a reason.`,
  });
}

/** Each guard: null where it holds, else what is wrong. */
const failureOf: Record<GuardName, (ctx: QueryCtx, project: Doc<"projects">) => Promise<string | null>> = {
  async healthyDev(ctx, project) {
    const dev = await environmentOf(ctx, project._id, "dev");
    const seen = await observationOf(ctx, project._id, "dev");
    if (!seen || seen.observedGeneration < dev.generation) return "the worker has not reported it yet";
    if (seen.phase !== "running") return `it is ${seen.phase}${seen.message && `, ${seen.message}`}`;
    const healthy = seen.conditions.find((condition) => condition.type === "Healthy");
    if (healthy?.status === "true") return null;
    return `it is not healthy${healthy?.message ? `, ${healthy.message}` : ""}`;
  },
  async passedRelease(ctx, project) {
    const release = await newestRelease(ctx, project._id);
    if (!release) return "it has none yet, a move to testing makes one";
    return release.state === "passed" ? null : `release ${release.number}: ${release.message}`;
  },
};

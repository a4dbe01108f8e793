import type { Infer } from "convex/values";
import { v } from "convex/values";
import { isSettled } from "../../core/projectSpec.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { releaseDropped } from "./dropped.ts";
import { environmentOf, observationOf, releaseAllocated } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { dropFromInbox } from "./inbox.ts";
import { releaseUsed } from "./sources.ts";
import { observationFields } from "./validators.ts";

export const vObservation = v.object(observationFields);
type Observation = Infer<typeof vObservation>;

/** Takes in what the worker saw of one environment. */
export async function takeReport(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  seen: Observation,
): Promise<void> {
  const environment = await environmentOf(ctx, project._id, seen.kind);
  const before = await observationOf(ctx, project._id, seen.kind);
  const fields = { projectId: project._id, ...seen, observedAt: Date.now() };
  if (before) await ctx.db.replace("environmentObservations", before._id, fields);
  else await ctx.db.insert("environmentObservations", fields);
  if ((before?.phase ?? "absent") !== seen.phase) {
    await recordEvent(ctx, {
      type: "environment.phase",
      actor,
      project,
      environment: seen.kind,
      from: before?.phase ?? "absent",
      to: seen.phase,
      message: seen.message || `${project.slug} ${seen.kind} is ${seen.phase}.`,
    });
  }
  if (seen.kind === "dev" && seen.phase === "running" && before?.phase !== "running") {
    await releaseUsed(ctx, project);
  }
  if (seen.observedGeneration !== environment.generation) return;
  if (environment.desired === "absent" && seen.phase === "absent") {
    await releaseAllocated(ctx, actor, project, environment);
  }
  if (environment.desired === "running" && seen.phase === "running") {
    await releaseDropped(ctx, actor, project, environment);
  }
  // A project on its way out stays in the inbox until the worker confirms that nothing of it is left.
  if (project.status === "deleting") return;
  if (isSettled(environment.desired, seen.phase)) await dropFromInbox(ctx, project, seen.kind);
}

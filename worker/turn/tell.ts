import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation, ProjectSpec } from "../../core/projectSpec.ts";
import { blindObservation } from "../conditions/blindObservation.ts";
import type { Turn } from "../queue.ts";
import type { TurnContext } from "./turnContext.ts";

/** Tells the control plane what it has not been told yet. */
export async function report(
  { reporter, log }: TurnContext,
  { projectId, slug }: ProjectSpec,
  observations: readonly EnvironmentObservation[],
  awaited: ReadonlySet<EnvironmentKind>,
): Promise<void> {
  const sent = await reporter.report(projectId, observations, awaited);
  for (const { kind, phase, observedGeneration, message } of sent) {
    log("reported", { project: slug, environment: kind, phase, generation: observedGeneration, message });
  }
}

/** Docker cannot be looked at. What runs may well go on running, so this is only said once retrying did not help. */
export async function reportBlind(
  { reporter }: TurnContext,
  { projectId, environments }: ProjectSpec,
  turn: Turn,
  error: unknown,
): Promise<never> {
  if (turn.last) {
    const observations = environments
      .filter(({ desired }) => desired !== "absent")
      .map(({ kind, generation }) =>
        blindObservation(kind, generation, error, reporter.last(projectId, kind)),
      );
    await reporter.report(projectId, observations, new Set());
  }
  throw error;
}

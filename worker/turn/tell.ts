import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation, ProjectSpec } from "../../core/projectSpec.ts";
import { blindObservation } from "../conditions/blindObservation.ts";
import { losesPorts } from "../ports/portStep.ts";
import type { Turn } from "../queue.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * Tells the control plane what it has not been told yet.
 * @returns whether what is wanted of the project is another thing now that it was told
 */
export async function report(
  { reporter, log, expire }: TurnContext,
  spec: ProjectSpec,
  observations: readonly EnvironmentObservation[],
  awaited: ReadonlySet<EnvironmentKind>,
): Promise<boolean> {
  const { projectId, slug } = spec;
  const sent = await reporter.report(projectId, observations, awaited);
  // It may have been heard without an answer too.
  if (losesPorts(spec, observations)) expire(projectId);
  for (const { kind, phase, observedGeneration, message } of sent) {
    log("reported", { project: slug, environment: kind, phase, generation: observedGeneration, message });
  }
  return losesPorts(spec, sent);
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

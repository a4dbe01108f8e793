import type { EnvironmentObservation } from "../../core/projectSpec.ts";
import { explain } from "./explain.ts";

/** What can be told of an environment while Docker cannot be looked at: that, and what was known before. */
export function blindObservation(
  kind: EnvironmentObservation["kind"],
  observedGeneration: number,
  error: unknown,
  last: EnvironmentObservation | undefined,
): EnvironmentObservation {
  return {
    kind,
    observedGeneration,
    phase: "failed",
    conditions: (last?.conditions ?? []).map((condition) => ({ ...condition, status: "unknown" })),
    services: last?.services ?? [],
    endpoints: last?.endpoints ?? [],
    message: explain(error),
  };
}

import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation } from "../../core/projectSpec.ts";
import type { Operation } from "../plan/operation.ts";
import type { SeenEnvironment } from "../seen.ts";
import { conditionsOf } from "./conditionsOf.ts";
import type { Findings } from "./findings.ts";

type Known = Omit<
  Findings,
  "seen" | "failures" | "logs" | "routeError" | "hibernate" | "before" | "fetching"
>;

/**
 * What is told of environments whose images are about to be pulled or made, before it is done: that may take minutes.
 * Pure.
 * @param of what differs between environments
 */
export function whileFetching(
  seen: readonly SeenEnvironment[],
  operations: readonly Operation[],
  known: Known,
  of: (kind: EnvironmentKind) => Pick<Findings, "hibernate" | "before">,
): EnvironmentObservation[] {
  return seen.flatMap((environment) => {
    const { kind } = environment.spec;
    const fetching = operations
      .filter((operation) => operation.do === "pull image" && operation.environment === kind)
      .map(({ target }) => target);
    if (fetching.length === 0) return [];
    const nothing = { failures: [], logs: new Map<string, string>(), routeError: null };
    return [conditionsOf({ ...known, ...nothing, ...of(kind), seen: environment, fetching })];
  });
}

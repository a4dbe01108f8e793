import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Findings } from "../conditions/findings.ts";
import type { Turn } from "../queue.ts";
import type { FirstLook } from "./firstLook.ts";
import type { TurnContext } from "./turnContext.ts";

type OfTurn = Pick<
  Findings,
  "namespace" | "renderError" | "held" | "overfull" | "exhausted" | "unsized" | "now"
>;
type OfKind = Pick<Findings, "hibernate" | "before" | "awaited">;

/** What conditions are judged by that is the same for all environments of a turn. */
export function findingsOfTurn(
  { volumeWatch, clock }: TurnContext,
  { spec, rendering, held, overfull }: FirstLook,
  turn: Turn,
): OfTurn {
  return {
    ...{ namespace: spec.namespace, renderError: rendering.error, held, overfull, exhausted: turn.last },
    unsized: volumeWatch?.why ?? null,
    now: clock.now(),
  };
}

/** What differs between the environments of one turn. */
export function findingsOfKind(
  { reporter }: TurnContext,
  { spec, provided }: FirstLook,
  kind: EnvironmentKind,
): OfKind {
  return {
    hibernate: spec.manifest.environments[kind].hibernate,
    before: reporter.last(spec.projectId, kind)?.conditions ?? [],
    awaited: provided.silent.get(kind) ?? null,
  };
}

import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Fate } from "../rollout/fates.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/** How long a container has to end by itself, where nothing says otherwise any more. */
const GRACE_MS = 10_000;

/**
 * What becomes of a container that another revision has taken over from.
 * @returns the operation that removes it, where it goes
 */
export function planEarlier(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  container: EngineContainer,
  fate: Fate,
): string | null {
  switch (fate) {
    case "stay":
    case "end":
      return null;
    case "park":
      park(plan, kind, container);
      return null;
    case "remove": {
      const { name, state } = container;
      const cause = "another revision has taken over, and it has no requests any more";
      if (state !== "running") return plan.add(kind, { do: "remove container", target: name }, cause);
      const stopped = plan.add(kind, { do: "stop container", target: name, graceMs: GRACE_MS }, cause);
      return plan.add(kind, { do: "remove container", target: name }, "it has stopped", [stopped]);
    }
  }
}

/**
 * Off its networks, where its service's name would lead to it, and paused, so that it does no work twice: what is left
 * to do for a rollback is milliseconds.
 */
function park(plan: PlanBuilder, kind: EnvironmentKind, { name, state, networks }: EngineContainer): void {
  const cause = "it is kept ready for a rollback";
  switch (state) {
    case "running":
    case "paused": {
      const off = Object.keys(networks).map((network) =>
        plan.add(kind, { do: "disconnect", target: name, network }, cause),
      );
      if (state === "running") plan.add(kind, { do: "pause container", target: name }, cause, off);
      break;
    }
    case "restarting":
      plan.add(kind, { do: "stop container", target: name, graceMs: GRACE_MS }, cause);
      break;
    case "created":
    case "exited":
    case "removing":
    case "dead":
      break;
  }
}

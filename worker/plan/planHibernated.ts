import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { isFiller } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/** How long a container has to end by itself, where nothing says otherwise any more. */
const GRACE_MS = 10_000;

/**
 * Stops or pauses what runs; containers, networks and volumes stay for the wake.
 * @param how `pause`: they keep their memory and go on where they were
 */
export function planHibernated(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  found: Snapshot,
  how: "stop" | "pause",
): void {
  for (const container of found.containers) {
    const { name, state } = container;
    if (isFiller(container)) continue;
    const stop = (after: string[]) =>
      plan.add(
        kind,
        { do: "stop container", target: name, graceMs: GRACE_MS },
        `${kind} is to hibernate, and it is ${state}`,
        after,
      );
    switch (state) {
      case "running":
        if (how === "stop") stop([]);
        else {
          const cause = `${kind} is to hibernate by pausing, and it is running`;
          plan.add(kind, { do: "pause container", target: name }, cause);
        }
        break;
      case "restarting":
        // Docker cannot pause what is restarting.
        stop([]);
        break;
      case "paused":
        if (how === "pause") break;
        // Docker cannot stop what is paused.
        stop([plan.add(kind, { do: "unpause container", target: name }, "a paused one cannot be stopped")]);
        break;
      case "removing":
      case "dead":
        plan.add(kind, { do: "remove container", target: name }, `Docker calls it ${state}`);
        break;
      case "created":
      case "exited":
        break;
    }
  }
}

import type { ConditionType } from "../../core/projectSpec.ts";
import { serviceContainers } from "../seen.ts";
import { explain, reasonOf } from "./explain.ts";
import type { Findings } from "./findings.ts";
import { no, type Verdict } from "./verdict.ts";

/** Of an environment that hibernates or is to be gone. */
export function restingVerdicts({
  seen,
  failures,
  groupLeft,
  routeError,
}: Findings): Partial<Record<ConditionType, Verdict>> {
  const [failure] = failures;
  const running = serviceContainers(seen).filter(({ state }) => state === "running");
  return {
    Running: failure
      ? no(reasonOf(failure.error), explain(failure.error))
      : running.length > 0
        ? { status: "true", reason: "Stopping", message: "Containers are still running." }
        : no("NotWanted", groupLeft ? "What it shared with its group is being removed." : ""),
    Routed: routeError == null ? no("NotWanted", "") : no(reasonOf(routeError), explain(routeError)),
  };
}

import type { ConditionType, Phase } from "../../core/projectSpec.ts";
import { serviceContainers } from "../seen.ts";
import type { Findings } from "./findings.ts";
import { ENDED_REASONS } from "./releaseVerdicts.ts";
import type { Verdict } from "./verdict.ts";

/** The one word for how far an environment is on its way to what is wanted. */
export function phaseOf(
  { seen, hibernate, exhausted, failures, routeError, renderError, snapshot, groupLeft }: Findings,
  verdicts: Partial<Record<ConditionType, Verdict>>,
): Phase {
  const { desired, keepVolumes } = seen.spec;
  if ((failures.length > 0 || snapshot?.error != null) && exhausted) return "failed";
  switch (desired) {
    case "absent": {
      // Its subnets, and its group's, may be given to others once it is told to be gone: so its route goes before.
      if (groupLeft || (routeError != null && seen.spec.subnet !== null)) return "pending";
      const left = seen.found.containers.length + seen.found.networks.length;
      return left + (keepVolumes ? 0 : seen.found.volumes.length) === 0 ? "absent" : "pending";
    }
    case "hibernated":
      return serviceContainers(seen).some(
        ({ state }) => state === "running" || (state === "paused" && hibernate === "stop"),
      )
        ? "pending"
        : "hibernated";
    case "running":
      if (renderError != null) return "failed";
      if (
        verdicts.Running?.reason === "VolumeFull" ||
        verdicts.Running?.reason === "CrashLoop" ||
        verdicts.Running?.reason === "RolledBack" ||
        ENDED_REASONS.has(verdicts.Running?.reason ?? "") ||
        verdicts.Healthy?.reason === "StartDeadline" ||
        // Nothing more happens by itself.
        verdicts.Routed?.reason === "PasswordMissing"
      )
        return "failed";
      if (routeError != null && exhausted) return "failed";
      if (Object.values(verdicts).every(({ status }) => status === "true")) return "running";
      return serviceContainers(seen).length > 0 ? "starting" : "pending";
  }
}

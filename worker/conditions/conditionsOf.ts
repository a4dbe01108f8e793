import { LABELS } from "../../core/labels.ts";
import {
  CONDITION_TYPES,
  type Condition,
  type EnvironmentObservation,
  type ServiceObservation,
} from "../../core/projectSpec.ts";
import { environmentPath } from "../../core/routes.ts";
import { serviceContainers, shortId } from "../seen.ts";
import type { Findings } from "./findings.ts";
import { phaseOf } from "./phaseOf.ts";
import { restingVerdicts } from "./restingVerdicts.ts";
import { runningVerdicts } from "./runningVerdicts.ts";
import type { Verdict } from "./verdict.ts";

const UNKNOWN: Verdict = { status: "unknown", reason: "NotWanted", message: "" };

/** What the control plane is told of one environment. Pure. */
export function conditionsOf(findings: Findings): EnvironmentObservation {
  const { seen, namespace, before, now } = findings;
  const { kind, desired, generation } = seen.spec;
  const verdicts = desired === "running" ? runningVerdicts(findings) : restingVerdicts(findings);
  const phase = phaseOf(findings, verdicts);
  const conditions = CONDITION_TYPES.map((type): Condition => {
    const verdict = verdicts[type] ?? UNKNOWN;
    const earlier = before.find((condition) => condition.type === type);
    const same = earlier?.status === verdict.status;
    return { type, ...verdict, changedAt: same ? earlier.changedAt : now };
  });
  return {
    kind,
    observedGeneration: generation,
    phase,
    conditions,
    services: serviceContainers(seen).map(serviceOf),
    endpoints:
      phase === "absent" || seen.replicas.some(({ service }) => service.job)
        ? []
        : [`${environmentPath(namespace, kind)}/`],
    message: firstMessage(conditions, phase === desired ? "true" : "false"),
  };
}

function firstMessage(conditions: readonly Condition[], wanted: Condition["status"]): string {
  return conditions.find(({ status, message }) => status === wanted && message !== "")?.message ?? "";
}

function serviceOf(container: ReturnType<typeof serviceContainers>[number]): ServiceObservation {
  const { state } = container;
  return {
    service: container.labels[LABELS.service] ?? container.name,
    replica: Number(container.labels[LABELS.replica] ?? 1),
    containerId: shortId(container),
    state: state === "removing" ? "dead" : state,
    health: container.health,
    exitCode: container.exitCode,
  };
}

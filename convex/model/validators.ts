import { v } from "convex/values";
import { ROLES } from "../../core/access.ts";
import {
  AGENT_NAMES,
  AGENT_STATES,
  DESIRED_STATES,
  ENVIRONMENT_KINDS,
  PAUSABLE,
  STATUSES,
} from "../../core/lifecycle.ts";
import { CONDITION_TYPES, PHASES } from "../../core/projectSpec.ts";
import { RELEASE_STATES } from "../../core/releases.ts";

/** The validators that more than one table or function uses. */

export function oneOf<T extends string>(values: readonly T[]) {
  return v.union(...values.map((value) => v.literal(value)));
}

export const vStatus = oneOf(STATUSES);
export const vPausable = oneOf(PAUSABLE);
export const vKind = oneOf(ENVIRONMENT_KINDS);
export const vDesired = oneOf(DESIRED_STATES);
export const vPhase = oneOf(PHASES);
export const vAgentState = oneOf(AGENT_STATES);
export const vAgentName = oneOf(AGENT_NAMES);
export const vRole = oneOf(ROLES);
/** Of an uploaded folder: awaited, here, in the workspace. */
export const vSourceState = oneOf(["waiting", "ready", "used"]);
/** The environment's own networks, and its group's. */
export const vWhichSubnet = v.union(v.literal("internal"), v.literal("egress"), v.literal("group"));
/** core/attachments.ts, as it is kept; rows from before an attachment had limits lack them. */
export const vAttachment = v.object({
  image: v.string(),
  alias: v.string(),
  env: v.optional(v.record(v.string(), v.string())),
  memory: v.optional(v.string()),
  cpus: v.optional(v.number()),
  volume: v.optional(v.string()),
  publish: v.optional(v.boolean()),
});

export const vCondition = v.object({
  type: oneOf(CONDITION_TYPES),
  status: v.union(v.literal("true"), v.literal("false"), v.literal("unknown")),
  reason: v.string(),
  message: v.string(),
  changedAt: v.number(),
});

export const vServiceObservation = v.object({
  service: v.string(),
  replica: v.number(),
  containerId: v.string(),
  state: oneOf(["created", "running", "paused", "restarting", "exited", "dead"]),
  health: oneOf(["healthy", "unhealthy", "starting", "none"]),
  exitCode: v.union(v.number(), v.null()),
});

export const observationFields = {
  kind: vKind,
  observedGeneration: v.number(),
  phase: vPhase,
  conditions: v.array(vCondition),
  services: v.array(vServiceObservation),
  endpoints: v.array(v.string()),
  message: v.string(),
};

export const vReleaseState = oneOf(RELEASE_STATES);

/** A test result (core/releases.ts) without what the tests wrote. */
export const testVerdictFields = {
  exitCode: v.number(),
  timedOut: v.boolean(),
  durationMs: v.number(),
  services: v.array(
    v.object({
      service: v.string(),
      replica: v.number(),
      exitCode: v.number(),
      durationMs: v.number(),
    }),
  ),
};
export const vTestVerdict = v.object(testVerdictFields);

const vReceiptPhase = v.object({
  accepted: v.number(),
  served: v.number(),
  failed: v.number(),
  aborted: v.number(),
  p50Ms: v.union(v.number(), v.null()),
  p99Ms: v.union(v.number(), v.null()),
});
/** What a switch cost its users (core/rollout.ts). */
export const vReceipt = v.object({ before: vReceiptPhase, during: vReceiptPhase, after: vReceiptPhase });

export const vLogLine = v.object({
  service: v.string(),
  replica: v.number(),
  stream: v.union(v.literal("stdout"), v.literal("stderr")),
  /** ms since 1970. */
  at: v.number(),
  text: v.string(),
});

/** Who did something: `system` is the control plane itself, in a scheduled function. */
export const vActor = v.object({
  role: oneOf(["admin", "worker", "viewer", "agent", "system"]),
  subject: v.string(),
  tokenId: v.optional(v.string()),
});

import { v } from "convex/values";
import { ROLES } from "../../core/access.ts";
import {
  AGENT_NAMES,
  AGENT_STATES,
  DESIRED_STATES,
  ENVIRONMENT_KINDS,
  PAUSABLE,
  STATUSES,
  type Status,
} from "../../core/lifecycle.ts";
import { METRIC_RANGES, METRIC_RESOLUTIONS } from "../../core/metrics.ts";
import { CONDITION_TYPES, PHASES } from "../../core/projectSpec.ts";
import { RELEASE_STATES } from "../../core/releases.ts";

/** The validators that more than one table or function uses. */

export function oneOf<T extends string>(values: readonly T[]) {
  return v.union(...values.map((value) => v.literal(value)));
}

export const vStatus = oneOf(STATUSES);
/** A number for each status. */
export const vStatusCounts = v.object(
  Object.fromEntries(STATUSES.map((status) => [status, v.number()])) as Record<
    Status,
    ReturnType<typeof v.number>
  >,
);
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
/** A rollout that was undone (core/rollout.ts). */
export const vUndone = v.object({
  id: v.string(),
  revisions: v.string(),
  attempt: v.number(),
  cause: v.string(),
});

/** What a switch cost its users (core/rollout.ts). */
export const vReceipt = v.object({
  before: vReceiptPhase,
  during: vReceiptPhase,
  after: vReceiptPhase,
  unfinished: v.optional(v.object({ cut: v.number(), streams: v.number(), waiting: v.number() })),
});

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

const vCountOrNull = v.union(v.number(), v.null());

/** core/metrics.ts: averages over the interval that ends at `at`. */
export const vMetricPoint = v.object({
  at: v.number(),
  cpu: v.number(),
  memoryBytes: v.number(),
  rxBps: v.number(),
  txBps: v.number(),
  readBps: v.number(),
  writeBps: v.number(),
  diskBytes: vCountOrNull,
});

const seriesFields = {
  service: v.string(),
  replica: v.number(),
  cpuLimit: vCountOrNull,
  memoryLimitBytes: vCountOrNull,
};
export const vMetricSeries = v.object({ ...seriesFields, points: v.array(vMetricPoint) });
export const vMetricRange = oneOf(METRIC_RANGES);
export const vMetricResolution = oneOf(METRIC_RESOLUTIONS);

/** A series as it is kept: a list of each number, all of one length, which takes a third of what points would. */
export const metricColumns = {
  ...seriesFields,
  at: v.array(v.number()),
  cpu: v.array(v.number()),
  memoryBytes: v.array(v.number()),
  rxBps: v.array(v.number()),
  txBps: v.array(v.number()),
  readBps: v.array(v.number()),
  writeBps: v.array(v.number()),
  diskBytes: v.array(vCountOrNull),
};

export const vReservation = v.object({ cpus: v.number(), memoryBytes: v.number() });
/** `live` holds its lease, `lost` let it run out, `left` gave it back. */
export const vHostState = oneOf(["live", "lost", "left"]);

export const vFinding = v.object({
  title: v.string(),
  state: oneOf(["ok", "warning", "failed", "skipped"]),
  detail: v.string(),
  /** What to do about it. */
  fix: v.union(v.string(), v.null()),
});

export const vHostDrift = v.object({
  /** How often, since the worker started. */
  mended: v.number(),
  lastAt: vCountOrNull,
  last: v.union(v.string(), v.null()),
});

export const vHostError = v.object({ at: v.number(), message: v.string() });

/** What a host uses at `at`. */
export const hostUsageFields = {
  at: v.number(),
  /** In cores, of all that runs there. */
  cpu: v.number(),
  memoryBytes: v.number(),
  /** Of the disk that holds what Docker keeps. */
  diskFreeBytes: v.number(),
  diskTotalBytes: v.number(),
  /** Of the last minute. */
  loadAverage: v.number(),
  /** What this Slipway has made there. */
  containers: v.number(),
  networks: v.number(),
  volumes: v.number(),
};

import type { GroupAttachment } from "./groups.ts";
import type { DesiredState, EnvironmentKind, Status } from "./lifecycle.ts";
import type { Manifest } from "./manifest.ts";
import type { TestVerdict } from "./releases.ts";
import type { UndoneRollout } from "./rollout.ts";

/** What crosses between the control plane and a worker: the desired state down, the observed state up. */

export const PHASES = ["pending", "starting", "running", "hibernated", "absent", "failed"] as const;
export type Phase = (typeof PHASES)[number];

export const CONDITION_TYPES = [
  "Rendered",
  "ImagesReady",
  "NetworkReady",
  "VolumesReady",
  "Running",
  "Healthy",
  "Routed",
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export type Condition = {
  type: ConditionType;
  status: "true" | "false" | "unknown";
  /** One CamelCase word for programs, like `ImageMissing`. */
  reason: string;
  /** A sentence for people: what, and what to do. */
  message: string;
  /** ms since 1970 at which `status` last changed. */
  changedAt: number;
};

export type EnvironmentSpec = {
  kind: EnvironmentKind;
  desired: DesiredState;
  /** Rises with every change of what is desired of this environment. */
  generation: number;
  /** IPv4 in CIDR form; null while the environment is absent. */
  subnet: string | null;
  /** IPv4 in CIDR form; null without egress, and while the environment is absent. */
  egressSubnet: string | null;
  /** The host port of each service that wants one, by the service's name; empty while the environment is absent. */
  ports?: Record<string, number>;
  /** Whether an absent environment keeps its volumes (failed projects do, for the retention time). */
  keepVolumes: boolean;
  /** What test and deploy run a snapshot of; null: they run what dev holds, or a stack's starter. */
  release?: ReleaseSpec | null;
  /** Of deploy: what the control plane knows of how it is rolled out (docs/deploys.md); not given: nothing. */
  rollout?: RolloutSpec;
};

export type RolloutSpec = {
  /** The id of the release that is live, as a worker reported it last; null: none yet. */
  live: string | null;
  /** The release that is kept ready for a rollback; null: none, or none any more. */
  kept: { number: number } | null;
  /** A release that gets so many percent of the requests; null: none. */
  canary: { release: ReleaseSpec; percent: number } | null;
  /** By service how many replicas there are to be, in place of what the manifest says. */
  replicas: Record<string, number>;
  /** How often somebody asked for what is wanted: what was undone is tried again at the next time, and not before. */
  attempt: number;
  /** What was undone last, where it may be wanted still; null: nothing. */
  undone: UndoneRollout | null;
};

/** The release that an environment is to run (docs/releases.md). */
export type ReleaseSpec = {
  releaseId: string;
  number: number;
  /** SHA-256 of its content, in hex; null: the worker has yet to take it, from dev's workspace. */
  snapshot: string | null;
  /** What is to be run, as it was when the release was made: a later change of the project's own is not tested. */
  manifest: Manifest;
  /** How its tests ended, once the control plane knows: they never run again. */
  result: TestVerdict | null;
};

/** What a project shares with the other members of its group. */
export type GroupSpec = {
  name: string;
  /** The group's name in Docker, as a project has one. */
  namespace: string;
  attachments: GroupAttachment[];
  /** What each kind of environment should be of what the group has: as much as the member that wants most. */
  desired: Record<EnvironmentKind, DesiredState>;
  /** The subnets of the group's networks, IPv4 in CIDR form, for the kinds of which a member's environment is there. */
  subnets: Partial<Record<EnvironmentKind, string>>;
};

/** All that a worker needs to know of one project. */
export type ProjectSpec = {
  projectId: string;
  slug: string;
  name: string;
  namespace: string;
  status: Status;
  manifest: Manifest;
  /** Sealed (core/sealing.ts) by variable name: only the worker's key opens them. */
  secrets?: Record<string, string>;
  /** The same, plain: in the worker alone. */
  opened?: Record<string, string>;
  /** Those that people set, by domain: the chain as PEM and the key, sealed until the worker opens it. */
  certificates?: Record<string, { chain: string; key: string }>;
  /** Opened by the worker, for its git alone (core/source.ts); never part of what crosses the wire. */
  gitSecrets?: Record<string, string>;
  /** Null without a group. */
  group?: GroupSpec | null;
  environments: EnvironmentSpec[];
  /** The snapshots that its host keeps, by their SHA-256 in hex; not given: all. */
  snapshots?: string[];
};

/** What `environment` runs: its release's manifest, or the project's own. */
export function manifestOf(spec: Pick<ProjectSpec, "manifest">, environment: EnvironmentSpec): Manifest {
  return environment.release?.manifest ?? spec.manifest;
}

export type ServiceObservation = {
  service: string;
  replica: number;
  /** Docker's short container id. */
  containerId: string;
  state: "created" | "running" | "paused" | "restarting" | "exited" | "dead";
  health: "healthy" | "unhealthy" | "starting" | "none";
  /** Exit code of the last run; null while running. */
  exitCode: number | null;
};

export type EnvironmentObservation = {
  kind: EnvironmentKind;
  observedGeneration: number;
  phase: Phase;
  conditions: Condition[];
  services: ServiceObservation[];
  /** Paths below the gateway's address, like `/projects/<namespace>/dev/`. */
  endpoints: string[];
  /** What a person should read first; empty when all is well. */
  message: string;
};

/** Whether `phase` is an end state for `desired`: nothing more will happen by itself. */
export function isSettled(desired: DesiredState, phase: Phase): boolean {
  return phase === desired || phase === "failed";
}

/** The lifecycle of a project as one table (DESIGN.md §2): mutations, CLI help, docs and dashboard read it from here. */

export const STATUSES = [
  "created",
  "planning",
  "development",
  "testing",
  "deployment",
  "paused",
  "failed",
  "deleting",
] as const;
export type Status = (typeof STATUSES)[number];

export const ENVIRONMENT_KINDS = ["dev", "test", "deploy"] as const;
export type EnvironmentKind = (typeof ENVIRONMENT_KINDS)[number];

export const DESIRED_STATES = ["running", "hibernated", "absent"] as const;
export type DesiredState = (typeof DESIRED_STATES)[number];

/** The named actors that a project has from planning on. */
export const AGENT_NAMES = ["planner", "developer", "tester", "deployer"] as const;
export type AgentName = (typeof AGENT_NAMES)[number];

export const AGENT_STATES = ["none", "made", "active", "idle"] as const;
export type AgentState = (typeof AGENT_STATES)[number];

/** What a status asks of an environment; `unchanged` leaves a deployed release serving while the next is developed. */
export type Effect = DesiredState | "unchanged";

export const EFFECTS: Record<Status, Record<EnvironmentKind, Effect>> = {
  created: { dev: "absent", test: "absent", deploy: "absent" },
  planning: { dev: "absent", test: "absent", deploy: "unchanged" },
  development: { dev: "running", test: "absent", deploy: "unchanged" },
  testing: { dev: "running", test: "running", deploy: "unchanged" },
  deployment: { dev: "hibernated", test: "absent", deploy: "running" },
  paused: { dev: "hibernated", test: "absent", deploy: "hibernated" },
  failed: { dev: "absent", test: "absent", deploy: "absent" },
  deleting: { dev: "absent", test: "absent", deploy: "absent" },
};

/** What a status makes of the project's agents; an idle agent may look and report, but move nothing. */
export const AGENTS: Record<Status, AgentState> = {
  created: "none",
  planning: "made",
  development: "active",
  testing: "active",
  deployment: "active",
  paused: "idle",
  failed: "idle",
  deleting: "none",
};

/** The statuses that `paused` can be entered from, and so returns to. */
export const PAUSABLE = ["planning", "development", "testing", "deployment"] as const;
export type Pausable = (typeof PAUSABLE)[number];

/** What must be true before a move; an admin may override it with a reason. */
export const GUARDS = {
  healthyDev: "the dev environment is running and healthy",
  passedRelease: "the tests of its newest release have passed",
} as const;
export type GuardName = keyof typeof GUARDS;

export type Edge = {
  from: Status;
  to: Status;
  /** The agents whose work this move is. An admin may make every move; with no agent here, only an admin may. */
  agents: readonly AgentName[];
  guard?: GuardName;
};

export const EDGES: readonly Edge[] = [
  { from: "created", to: "planning", agents: [] },
  { from: "planning", to: "development", agents: ["planner"] },
  { from: "development", to: "testing", agents: ["developer"], guard: "healthyDev" },
  { from: "testing", to: "deployment", agents: ["deployer"], guard: "passedRelease" },
  { from: "testing", to: "development", agents: ["developer", "tester"] },
  { from: "deployment", to: "development", agents: ["developer", "deployer"] },
  ...PAUSABLE.map((from): Edge => ({ from, to: "paused", agents: [] })),
  ...PAUSABLE.map((to): Edge => ({ from: "paused", to, agents: [] })),
  ...STATUSES.filter((from) => from !== "failed" && from !== "deleting").map((from): Edge => ({
    from,
    to: "failed",
    agents: [],
  })),
  { from: "failed", to: "planning", agents: [] },
  { from: "failed", to: "development", agents: [] },
  ...STATUSES.filter((from) => from !== "deleting").map((from): Edge => ({
    from,
    to: "deleting",
    agents: [],
  })),
];

/**
 * The edges that a project in `from` may take.
 * @param pausedFrom where a paused project came from: the only working status that it may return to
 */
export function edgesFrom(from: Status, pausedFrom?: Pausable): Edge[] {
  return EDGES.filter(
    (edge) => edge.from === from && (from !== "paused" || !isPausable(edge.to) || edge.to === pausedFrom),
  );
}

/** The statuses that a project in `from` may move to; see {@link edgesFrom}. */
export function allowedNext(from: Status, pausedFrom?: Pausable): Status[] {
  return edgesFrom(from, pausedFrom).map((edge) => edge.to);
}

export function isStatus(text: string): text is Status {
  return (STATUSES as readonly string[]).includes(text);
}

/** Whether a project in `status` says so itself wherever it would serve, also where nothing of it ever ran. */
export function hasStatusPage(status: Status): status is "paused" | "failed" {
  return status === "paused" || status === "failed";
}

export function isPausable(status: Status): status is Pausable {
  return (PAUSABLE as readonly string[]).includes(status);
}

/**
 * What `kind` should be after a move to `status`.
 * A paused environment that never ran has nothing to hibernate: it stays absent.
 * @param current what is desired now
 */
export function desiredAfter(status: Status, kind: EnvironmentKind, current: DesiredState): DesiredState {
  const effect = EFFECTS[status][kind];
  if (effect === "unchanged") return current;
  if (effect === "hibernated" && current === "absent") return "absent";
  return effect;
}

/**
 * Whether `kind`, when absent in `status`, keeps its volumes: a workspace and a deployed database outlive their
 * containers, a test's data does not, a failed project keeps everything for the retention time.
 */
export function keepsVolumes(status: Status, kind: EnvironmentKind): boolean {
  if (status === "deleting") return false;
  return status === "failed" || kind !== "test";
}

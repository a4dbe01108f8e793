import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { ProjectRoutes, ProjectRoutesInput, RolloutPhase } from "../../core/routes.ts";

/** What the worker tells the gateway, and what the gateway answers: `socketGateway.ts` says it over the push door. */
export interface Gateway {
  /**
   * Replaces one project's routes, at once and for all. Pushes of one project that pile up behind a slow one coalesce:
   * the newest goes out, and all who pushed an older one are told its version.
   * @returns the version that answers from now on
   * @throws GatewayError `invalid`, `stale`, `taken`, `full`, `busy`, `unreachable`, `deadline` or `broken`: the routes
   *   that were there go on answering
   */
  pushProject(routes: ProjectRoutesInput): Promise<number>;

  /**
   * Replaces the whole table: whatever is not in `all` is gone. Throws as above. A worker that starts does not need it: it
   * pushes each project as soon as it has seen it, and removes what nobody owns; until then the table of before answers.
   */
  pushAll(all: readonly ProjectRoutesInput[]): Promise<void>;

  /** Takes a project's routes away; there being none is success. */
  removeProject(namespace: string): Promise<void>;

  /** The version of each project that the gateway answers from at this moment, by namespace. */
  answeringVersions(): Promise<Map<string, number>>;

  /** A project's routes as the gateway has them at this moment; null where it has none. */
  routes(namespace: string): Promise<ProjectRoutes | null>;

  /** How many requests each of `upstreams` (`address:port`) has in progress, and how many of those have no end. */
  inProgress(upstreams: readonly string[]): Promise<Map<string, InProgress>>;

  /**
   * Ends whatever each of `upstreams` (`address:port`) has in progress, within a second: its clients see a close, or the
   * next container's answer where nothing was answered yet. For containers that no route leads to any more.
   */
  endConnections(upstreams: readonly string[]): Promise<void>;

  /** What was counted of a rollout's requests, from its first mark in the table on. */
  rollout(namespace: string, kind: EnvironmentKind, id: string): Promise<RolloutCounts>;

  /**
   * Sends a real request through the route and says who answered it, at which version of the table. Nobody is kept out by
   * the route's settings, and of the answer only the beginning is waited for.
   */
  proveRoute(proof: RouteProof): Promise<RouteAnswer>;

  /** Sends one GET to a container from the gateway's side of the network, before any route leads there. */
  probe(probe: Probe): Promise<ProbeAnswer>;
}

/** `streams`: those of the `requests` that are WebSockets or event streams. */
export type InProgress = { requests: number; streams: number };

export type SideCounts = {
  served: number;
  /** Answered with 5xx, by a container or by the gateway in its place, or broken off by the container. */
  failed: number;
  /** The client left. */
  aborted: number;
  /** Those of the `aborted` whose client had waited for a second or more; streams are none of them. */
  givenUp: number;
  /** How many requests, not streams, took up to so many ms, and longer than the entry before: [ms, requests]. */
  latencies: [number, number][];
};

/** By the phase in which requests began. `none`: no container had them. */
export type PhaseCounts = { accepted: number; old: SideCounts; new: SideCounts; none: SideCounts };

export type RolloutCounts = {
  /** Whether the gateway itself went back to the old side. */
  undone: boolean;
  /** Requests of the new side, not streams, whose answers have not ended after 5 s: of this moment. */
  waiting: number;
  phases: Record<RolloutPhase, PhaseCounts>;
};

export type RouteProof = {
  namespace: string;
  environment: EnvironmentKind;
  /** Below the environment, like `/health`; default `/`. */
  path?: string;
  /** Until the answer begins; default 5,000. */
  timeoutMs?: number;
};

export type RouteAnswer = {
  /** The version of the project's routes that this request went by; null where the gateway knows no such project. */
  version: number | null;
  /** The HTTP status. */
  status: number;
  /** `address:port` of the container that answered; null where none did, and the gateway said so in its place. */
  upstream: string | null;
};

export type Probe = {
  address: string;
  port: number;
  /** Default `/`. */
  path?: string;
  /** An open port answers with 0: nothing is sent. */
  connectOnly?: boolean;
  /** The Host header; default `<address>:<port>`. */
  host?: string;
  /** Default 2,000. */
  timeoutMs?: number;
};

export type ProbeAnswer =
  { kind: "answered"; status: number } | { kind: "failed"; reason: "timeout" | "refused" | (string & {}) };

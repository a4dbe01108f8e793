import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { ProjectRoutesInput } from "../../core/routes.ts";

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

  /** Replaces the whole table: what a worker says when it starts. Whatever is not in `all` is gone. Throws as above. */
  pushAll(all: readonly ProjectRoutesInput[]): Promise<void>;

  /** Takes a project's routes away; there being none is success. */
  removeProject(namespace: string): Promise<void>;

  /** The version of each project that the gateway answers from at this moment, by namespace. */
  answeringVersions(): Promise<Map<string, number>>;

  /** Sends a real request through the route and says who answered it, at which version of the table. */
  proveRoute(proof: RouteProof): Promise<RouteAnswer>;

  /** Sends one GET to a container from the gateway's side of the network, before any route leads there. */
  probe(probe: Probe): Promise<ProbeAnswer>;
}

export type RouteProof = {
  namespace: string;
  environment: EnvironmentKind;
  /** Below the environment, like `/health`; default `/`. */
  path?: string;
  /** Of the whole request; default 5,000. */
  timeoutMs?: number;
};

export type RouteAnswer = {
  /** The version of the project's routes that this request went by; null where the gateway knows no such project. */
  version: number | null;
  /** The HTTP status. */
  status: number;
  /** `address:port` of the container that answered; null where a page of the gateway's own did. */
  upstream: string | null;
};

export type Probe = {
  address: string;
  port: number;
  /** Default `/`. */
  path?: string;
  /** The Host header; default `<address>:<port>`. */
  host?: string;
  /** Default 2,000. */
  timeoutMs?: number;
};

export type ProbeAnswer =
  { kind: "answered"; status: number } | { kind: "failed"; reason: "timeout" | "refused" | (string & {}) };

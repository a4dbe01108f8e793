import {
  ROLLOUT_PHASES,
  vProjectRoutes,
  type ProjectRoutes,
  type ProjectRoutesInput,
} from "../../core/routes.ts";
import type {
  Gateway,
  InProgress,
  Probe,
  ProbeAnswer,
  RolloutCounts,
  RouteAnswer,
  RouteProof,
  SideCounts,
} from "../gateway/gateway.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import { PushQueue } from "../gateway/pushQueue.ts";
import { isRunning, type FakeContainer } from "./engineObjects.ts";
import type { FakeEngine } from "./fakeEngine.ts";
import { portOf } from "./imageCatalog.ts";
import type { Line } from "./line.ts";

const PUSH_DEADLINE_MS = 10_000;
/** As nginx tries another container (balancer.lua). */
const MOST_TRIES = 3;

/** What pushed routes say, over all runs of a process: most are pushed again and again. */
const parsedRoutes = new Map<string, ReturnType<typeof vProjectRoutes.safeParse>>();
const MOST_PARSED = 5_000;

function parseRoutes(input: ProjectRoutesInput): ReturnType<typeof vProjectRoutes.safeParse> {
  const { version, ...rest } = input;
  const json = JSON.stringify(rest);
  const known = parsedRoutes.get(json) ?? vProjectRoutes.safeParse(input);
  if (parsedRoutes.size >= MOST_PARSED) parsedRoutes.clear();
  parsedRoutes.set(json, known);
  return known.success ? { ...known, data: { ...known.data, version } } : known;
}

/** The gateway's table in memory, by the rules of docker/nginx/lua/slipway, and its look at containers. */
export class FakeGateway {
  up = true;
  readonly table = new Map<string, ProjectRoutes>();

  constructor(
    private readonly engine: FakeEngine,
    private readonly onChange: () => void,
  ) {}

  put(input: ProjectRoutesInput): number {
    const parsed = parseRoutes(input);
    if (!parsed.success) {
      const why = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new GatewayError("invalid", `The routes of ${input.namespace} are malformed: ${why.join("; ")}.`);
    }
    const routes = parsed.data;
    const known = this.table.get(routes.namespace);
    if (known && known.version > routes.version) throw new GatewayError("stale", "A newer one answers.");
    for (const other of this.table.values()) {
      if (other.namespace !== routes.namespace && other.slug === routes.slug) {
        throw new GatewayError("taken", `${other.namespace} has the slug ${routes.slug}.`);
      }
    }
    this.table.set(routes.namespace, routes);
    this.onChange();
    return routes.version;
  }

  remove(namespace: string): void {
    this.table.delete(namespace);
    this.onChange();
  }

  async probe({ address, port, timeoutMs = 2_000 }: Probe): Promise<ProbeAnswer> {
    const container = this.at(address);
    if (container?.state === "running") {
      return container.listening && listensAt(container) === port
        ? { kind: "answered", status: 200 }
        : { kind: "failed", reason: "refused" };
    }
    if (container) await this.engine.time.pause(timeoutMs);
    return { kind: "failed", reason: container ? "timeout" : "no route to host" };
  }

  /** As a request goes by the table: to the service with the longest prefix, and to another container of it after one. */
  async prove({ namespace, environment, path = "/" }: RouteProof, timeoutMs: number): Promise<RouteAnswer> {
    const routes = this.table.get(namespace);
    if (!routes) return { version: null, status: 404, upstream: null };
    const { version } = routes;
    const [service] = (routes.environments[environment]?.services ?? [])
      .filter(({ prefix }) => prefix === "/" || `${path}/`.startsWith(`${prefix}/`))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    const led = (service?.upstreams ?? []).filter(({ standby, draining }) => !standby && !draining);
    if (led.length === 0) return { version, status: 503, upstream: null };
    for (const { address, port } of led.slice(0, MOST_TRIES)) {
      const answer = await this.probe({ address, port, timeoutMs });
      if (answer.kind === "answered")
        return { version, status: answer.status, upstream: `${address}:${port}` };
    }
    return { version, status: 502, upstream: null };
  }

  /** The container that answers at `address`. */
  at(address: string): FakeContainer | undefined {
    for (const container of this.engine.containers.values()) {
      if (!isRunning(container)) continue;
      for (const endpoint of container.endpoints.values()) if (endpoint.address === address) return container;
    }
    return undefined;
  }
}

function listensAt({ image, plan }: FakeContainer): number {
  return portOf(image) ?? Number(plan.environment.PORT ?? 0);
}

/** One process's connection to the gateway; pushes of one project wait for each other, as in `SocketGateway`. */
export class GatewayClient implements Gateway {
  private readonly pushes = new PushQueue<ProjectRoutesInput, number>((routes) =>
    this.line.call(`push ${routes.namespace}`, PUSH_DEADLINE_MS, async () => this.gateway.put(routes)),
  );

  constructor(
    private readonly gateway: FakeGateway,
    private readonly line: Line,
  ) {}

  async pushProject(routes: ProjectRoutesInput): Promise<number> {
    return await this.pushes.push(routes.namespace, routes);
  }

  async pushAll(all: readonly ProjectRoutesInput[]): Promise<void> {
    for (const routes of all) await this.pushProject(routes);
  }

  async removeProject(namespace: string): Promise<void> {
    await this.pushes.after(namespace, () =>
      this.line.call(`withdraw ${namespace}`, PUSH_DEADLINE_MS, async () => this.gateway.remove(namespace)),
    );
  }

  async answeringVersions(): Promise<Map<string, number>> {
    return await this.line.call(
      "ask for versions",
      PUSH_DEADLINE_MS,
      async () => new Map([...this.gateway.table].map(([namespace, { version }]) => [namespace, version])),
    );
  }

  async routes(namespace: string): Promise<ProjectRoutes | null> {
    return await this.line.call(
      `ask for the routes of ${namespace}`,
      PUSH_DEADLINE_MS,
      async () => this.gateway.table.get(namespace) ?? null,
    );
  }

  /** Nobody sends requests here. */
  async inProgress(upstreams: readonly string[]): Promise<Map<string, InProgress>> {
    return await this.line.call(
      "ask for requests in progress",
      PUSH_DEADLINE_MS,
      async () => new Map(upstreams.map((upstream) => [upstream, { requests: 0, streams: 0 }])),
    );
  }

  async endConnections(): Promise<void> {
    await this.line.call("end connections", PUSH_DEADLINE_MS, async () => {});
  }

  async rollout(): Promise<RolloutCounts> {
    return await this.line.call("ask for a rollout's counts", PUSH_DEADLINE_MS, async () => {
      const side = (): SideCounts => ({
        ...{ served: 0, failed: 0, aborted: 0, givenUp: 0 },
        latencies: [],
      });
      const phases = ROLLOUT_PHASES.map(
        (phase) => [phase, { accepted: 0, old: side(), new: side(), none: side() }] as const,
      );
      return { undone: false, waiting: 0, phases: Object.fromEntries(phases) as RolloutCounts["phases"] };
    });
  }

  async proveRoute(proof: RouteProof): Promise<RouteAnswer> {
    const { namespace, timeoutMs = 5_000 } = proof;
    return await this.line.call(`prove ${namespace}`, timeoutMs, () => this.gateway.prove(proof, timeoutMs));
  }

  async probe(probe: Probe): Promise<ProbeAnswer> {
    return await this.line.call(`probe ${probe.address}`, 4_000, () => this.gateway.probe(probe));
  }
}

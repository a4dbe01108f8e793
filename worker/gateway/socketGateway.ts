import * as z from "zod";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import {
  environmentPath,
  vProjectRoutes,
  type ProjectRoutes,
  type ProjectRoutesInput,
} from "../../core/routes.ts";
import { gatewayPaths } from "./config.ts";
import { askDoor, type DoorAnswer, type DoorRequest } from "./door.ts";
import { GatewayError } from "./gatewayError.ts";
import type {
  Gateway,
  InProgress,
  Probe,
  ProbeAnswer,
  RolloutCounts,
  RouteAnswer,
  RouteProof,
} from "./gateway.ts";
import { askPushDoor, readAnswer } from "./pushDoor.ts";
import { PushQueue } from "./pushQueue.ts";
import { askInProgress, askRollout, askRoutes, askToEnd } from "./rolloutDoor.ts";

const PUSH_TIMEOUT_MS = 10_000;
/** Thousands of projects in one body. */
const PUSH_ALL_TIMEOUT_MS = 60_000;
const PROOF_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;

const vPushed = z.object({ version: z.int() });
const vVersions = z.record(z.string(), z.int());
const vProbed = z.union([z.object({ status: z.int() }), z.object({ error: z.string() })]);

/** The gateway whose state is below `dataDir`, spoken to over its push door. */
export class SocketGateway implements Gateway {
  private readonly paths: ReturnType<typeof gatewayPaths>;
  private readonly pushes = new PushQueue<ProjectRoutesInput, number>((routes) => this.push(routes));

  constructor(dataDir: string) {
    this.paths = gatewayPaths(dataDir);
  }

  async pushProject(routes: ProjectRoutesInput): Promise<number> {
    return this.pushes.push(routes.namespace, routes);
  }

  async pushAll(all: readonly ProjectRoutesInput[]): Promise<void> {
    const lines = all.map((routes) => JSON.stringify(parse(routes)));
    await this.pushes.alone(() =>
      this.ask({ method: "PUT", path: "/routes", body: lines.join("\n"), timeoutMs: PUSH_ALL_TIMEOUT_MS }),
    );
  }

  async removeProject(namespace: string): Promise<void> {
    await this.pushes.after(namespace, () =>
      this.ask({ method: "DELETE", path: `/routes/${namespace}`, timeoutMs: PUSH_TIMEOUT_MS }),
    );
  }

  async answeringVersions(): Promise<Map<string, number>> {
    const answer = await this.ask({ method: "GET", path: "/versions", timeoutMs: PUSH_TIMEOUT_MS });
    return new Map(Object.entries(readAnswer(vVersions, answer)));
  }

  async routes(namespace: string): Promise<ProjectRoutes | null> {
    return await askRoutes(this.paths.pushSocket, namespace);
  }

  async inProgress(upstreams: readonly string[]): Promise<Map<string, InProgress>> {
    return await askInProgress(this.paths.pushSocket, upstreams);
  }

  async endConnections(upstreams: readonly string[]): Promise<void> {
    await askToEnd(this.paths.pushSocket, upstreams);
  }

  async rollout(namespace: string, kind: EnvironmentKind, id: string): Promise<RolloutCounts> {
    return await askRollout(this.paths.pushSocket, namespace, kind, id);
  }

  async proveRoute(proof: RouteProof): Promise<RouteAnswer> {
    const answer = await askDoor(this.paths.frontSocket, {
      method: "GET",
      path: environmentPath(proof.namespace, proof.environment) + (proof.path ?? "/"),
      headers: { "user-agent": "slipway-proof" },
      timeoutMs: proof.timeoutMs ?? PROOF_TIMEOUT_MS,
      headersOnly: true,
    });
    const route = /@(\d+)$/.exec(String(answer.headers["x-slipway-route"] ?? ""));
    const upstream = answer.headers["x-slipway-upstream"];
    return {
      version: route ? Number(route[1]) : null,
      status: answer.status,
      upstream: upstream === undefined ? null : String(upstream),
    };
  }

  async probe({
    address,
    port,
    path = "/",
    connectOnly,
    host,
    timeoutMs = PROBE_TIMEOUT_MS,
  }: Probe): Promise<ProbeAnswer> {
    const answer = await this.ask({
      method: "POST",
      path: "/probe",
      body: JSON.stringify({ address, port, path, connectOnly, host, timeoutMs }),
      timeoutMs: timeoutMs + PROBE_TIMEOUT_MS,
    });
    const probed = readAnswer(vProbed, answer);
    if ("status" in probed) return { kind: "answered", status: probed.status };
    return { kind: "failed", reason: probed.error === "connection refused" ? "refused" : probed.error };
  }

  private async push(routes: ProjectRoutesInput): Promise<number> {
    const answer = await this.ask({
      method: "PUT",
      path: `/routes/${routes.namespace}`,
      body: JSON.stringify(parse(routes)),
      timeoutMs: PUSH_TIMEOUT_MS,
    });
    return readAnswer(vPushed, answer).version;
  }

  private async ask(request: DoorRequest): Promise<DoorAnswer> {
    return await askPushDoor(this.paths.pushSocket, request);
  }
}

/** @throws GatewayError `invalid`, before anything is sent */
function parse(routes: ProjectRoutesInput) {
  const parsed = vProjectRoutes.safeParse(routes);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new GatewayError(
    "invalid",
    `The routes of ${routes.namespace} are malformed: ${problems.join("; ")}.`,
  );
}

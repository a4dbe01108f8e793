import { z } from "zod";
import { environmentPath, vProjectRoutes, type ProjectRoutesInput } from "../../core/routes.ts";
import { gatewayPaths } from "./config.ts";
import { askDoor, type DoorAnswer, type DoorRequest } from "./door.ts";
import { GatewayError, type GatewayErrorKind } from "./gatewayError.ts";
import type { Gateway, Probe, ProbeAnswer, RouteAnswer, RouteProof } from "./gateway.ts";
import { PushQueue } from "./pushQueue.ts";

const PUSH_TIMEOUT_MS = 10_000;
/** Thousands of projects in one body. */
const PUSH_ALL_TIMEOUT_MS = 60_000;
const PROOF_TIMEOUT_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;

const vRefusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const vPushed = z.object({ version: z.int() });
const vVersions = z.record(z.string(), z.int());
const vProbed = z.union([z.object({ status: z.int() }), z.object({ error: z.string() })]);

const REFUSALS: readonly GatewayErrorKind[] = ["invalid", "stale", "taken", "full", "busy", "broken"];

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
    return new Map(Object.entries(read(vVersions, answer)));
  }

  async proveRoute(proof: RouteProof): Promise<RouteAnswer> {
    const answer = await askDoor(this.paths.frontSocket, {
      method: "GET",
      path: environmentPath(proof.namespace, proof.environment) + (proof.path ?? "/"),
      headers: { "user-agent": "slipway-proof" },
      timeoutMs: proof.timeoutMs ?? PROOF_TIMEOUT_MS,
    });
    const route = /@(\d+)$/.exec(String(answer.headers["x-slipway-route"] ?? ""));
    // Where more than one container was tried, nginx lists them all; the last one answered.
    const upstream = String(answer.headers["x-slipway-upstream"] ?? "")
      .split(/[,\s]+/)
      .at(-1);
    return { version: route ? Number(route[1]) : null, status: answer.status, upstream: upstream || null };
  }

  async probe({
    address,
    port,
    path = "/",
    host,
    timeoutMs = PROBE_TIMEOUT_MS,
  }: Probe): Promise<ProbeAnswer> {
    const answer = await this.ask({
      method: "POST",
      path: "/probe",
      body: JSON.stringify({ address, port, path, host, timeoutMs }),
      timeoutMs: timeoutMs + PROBE_TIMEOUT_MS,
    });
    const probed = read(vProbed, answer);
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
    return read(vPushed, answer).version;
  }

  private async ask(request: DoorRequest): Promise<DoorAnswer> {
    const answer = await askDoor(this.paths.pushSocket, request);
    if (answer.status === 200) return answer;
    const { error } = read(vRefusal, answer);
    const kind = REFUSALS.find((known) => known === error.code) ?? "broken";
    throw new GatewayError(kind, `The gateway refuses ${request.method} ${request.path}: ${error.message}.`);
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

function read<T>(schema: z.ZodType<T>, answer: DoorAnswer): T {
  try {
    return schema.parse(JSON.parse(answer.body));
  } catch (cause) {
    throw new GatewayError(
      "broken",
      `The gateway answered ${answer.status} with something that is not its own language.`,
      { cause },
    );
  }
}

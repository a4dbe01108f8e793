import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { LABELS, ownedBy } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { bridgeName, egressNetworkName, networkName } from "../../core/naming.ts";
import type { ProjectRoutesInput } from "../../core/routes.ts";
import { noteInstance } from "../leftovers/ledger.ts";
import { ensureFirewall, gatewayAccessOptions, removeFirewall } from "../../worker/firewall/firewall.ts";
import { gatewayName, type GatewayConfig } from "../../worker/gateway/config.ts";
import { ensureGateway, removeGateway } from "../../worker/gateway/ensure.ts";
import { SocketGateway } from "../../worker/gateway/socketGateway.ts";
import { waitFor } from "../../worker/gateway/waitFor.ts";

const UPSTREAM_IMAGE = "slipway/node:20";
const UPSTREAM_PORT = 3000;
const here = fileURLToPath(new URL(".", import.meta.url));
const packages = fileURLToPath(new URL("../../node_modules", import.meta.url));

export type Upstream = {
  id: string;
  name: string;
  address: string;
  port: number;
  egressAddress: string | null;
};

/** One instance of Slipway's gateway and firewall with projects' networks and containers, as the worker would make them. */
export class World {
  readonly docker = new Docker();
  readonly instanceId: string;
  readonly config: GatewayConfig;
  readonly gateway: SocketGateway;
  private readonly subnetBase: string;
  private subnets = 0;
  private forget = async () => {};

  private constructor(config: GatewayConfig, subnetBase: string) {
    this.config = config;
    this.instanceId = config.instanceId;
    this.gateway = new SocketGateway(config.dataDir);
    this.subnetBase = subnetBase;
  }

  /** @param subnetBase like `10.249.1`: all networks of this world are /28s of that /24 */
  static async start(
    instanceId: string,
    httpPort: number,
    subnetBase: string,
    more: Partial<GatewayConfig> = {},
  ): Promise<World> {
    const dataDir = await mkdtemp(join(tmpdir(), "slipway-gateway-"));
    const config = { instanceId, dataDir, httpPort, subnet: `${subnetBase}.0/28`, ...more };
    const world = new World(config, subnetBase);
    world.forget = await noteInstance({ instanceId, dataDir });
    await world.clean();
    await ensureFirewall(world.docker, { instanceId });
    await ensureGateway(world.docker, world.config);
    return world;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.config.httpPort}${path}`;
  }

  async network(
    namespace: string,
    environment: EnvironmentKind,
    options: { egress?: boolean } = {},
  ): Promise<string> {
    const name = options.egress
      ? egressNetworkName(namespace, environment)
      : networkName(namespace, environment);
    this.subnets += 1;
    await this.docker.createNetwork({
      Name: name,
      Internal: !options.egress,
      IPAM: {
        Driver: "default",
        Config: [{ Subnet: `${this.subnetBase}.${this.subnets * 16}/28` }],
      },
      Options: {
        "com.docker.network.bridge.name": bridgeName(this.instanceId, name),
        ...gatewayAccessOptions(this.instanceId),
      },
      Labels: { [LABELS.instance]: this.instanceId, [LABELS.namespace]: namespace },
    });
    return name;
  }

  /** A container with `upstream.mjs` on `networks`, listening at `ports`, of which the first is what is returned. */
  async upstream(
    name: string,
    networks: readonly [string, ...string[]],
    ports: readonly [number, ...number[]] = [UPSTREAM_PORT],
  ): Promise<Upstream> {
    const [first, ...others] = networks;
    const container = await this.docker.createContainer({
      name: `${this.instanceId}-${name}`,
      Image: UPSTREAM_IMAGE,
      User: "1000:1000",
      Cmd: ["node", "/app/upstream.mjs"],
      Env: [`SERVICE_NAME=${name}`, `SERVICE_PORTS=${ports.join()}`],
      Labels: { [LABELS.instance]: this.instanceId },
      HostConfig: {
        NetworkMode: first,
        Init: true,
        CapDrop: ["ALL"],
        ReadonlyRootfs: true,
        Mounts: [
          { Type: "bind", Source: here, Target: "/app", ReadOnly: true },
          { Type: "bind", Source: packages, Target: "/node_modules", ReadOnly: true },
        ],
      },
    });
    for (const network of others)
      await this.docker.getNetwork(network).connect({ Container: container.id, EndpointConfig: {} });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const address = NetworkSettings.Networks[first]?.IPAddress ?? "";
    const egress = others.find((network) => network.endsWith("_egress"));
    await waitFor(
      20_000,
      50,
      async () => {
        const answer = await this.gateway.probe({ address, port: ports[0] });
        return answer.kind === "answered" ? true : undefined;
      },
      async () => new Error(`${name} does not answer the gateway's probe`),
    );
    return {
      id: container.id,
      name,
      address,
      port: ports[0],
      egressAddress: (egress && NetworkSettings.Networks[egress]?.IPAddress) || null,
    };
  }

  /** What nginx wrote to its error log that tells of a fault of ours: Lua that failed, a process that died. */
  async faults(): Promise<string[]> {
    const container = this.docker.getContainer(gatewayName(this.instanceId));
    const log = (await container.logs({ stdout: false, stderr: true })).toString("utf8");
    return log.split("\n").filter((line) => /\[(?:alert|crit|emerg)\]|lua|exited on signal/.test(line));
  }

  /** Runs a command in a container; its exit code and all that it wrote. */
  async exec(containerId: string, command: readonly string[]): Promise<{ exitCode: number; output: string }> {
    const exec = await this.docker
      .getContainer(containerId)
      .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const { ExitCode } = await exec.inspect();
    return { exitCode: ExitCode ?? -1, output: Buffer.concat(chunks).toString("utf8") };
  }

  async stop(): Promise<void> {
    await this.clean();
    await removeFirewall(this.docker, { instanceId: this.instanceId });
    await rm(this.config.dataDir, { recursive: true, force: true });
    await this.forget();
  }

  private async clean(): Promise<void> {
    const filters = { label: [ownedBy(this.instanceId)] };
    const containers = await this.docker.listContainers({ all: true, filters });
    await Promise.all(
      containers.map((container) => this.docker.getContainer(container.Id).remove({ force: true, v: true })),
    );
    await removeGateway(this.docker, this.instanceId);
    for (const network of await this.docker.listNetworks({ filters })) {
      await this.docker.getNetwork(network.Id).remove();
    }
  }
}

let versions = 0;

/** Routes of one project with one service at `/` in each of `environments`, at a version higher than all before. */
export function routesTo(
  namespace: string,
  environments: Partial<Record<EnvironmentKind, readonly Upstream[]>>,
  more: Partial<ProjectRoutesInput> = {},
): ProjectRoutesInput {
  versions += 1;
  return {
    namespace,
    slug: slugOf(namespace),
    version: versions,
    environments: Object.fromEntries(
      Object.entries(environments).map(([kind, upstreams]) => [
        kind,
        {
          state: "serving" as const,
          services: [
            {
              service: "app",
              prefix: "/",
              upstreams: upstreams.map(({ address, port }) => ({ address, port })),
            },
          ],
        },
      ]),
    ),
    ...more,
  };
}

export function slugOf(namespace: string): string {
  return namespace.split("_").at(-1) ?? namespace;
}

export function nextVersion(): number {
  versions += 1;
  return versions;
}

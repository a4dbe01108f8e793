import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type Docker from "dockerode";
import { LABELS } from "../../core/labels.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { logText } from "../../worker/engine/logFrames.ts";
import { gatewayName } from "../../worker/gateway/config.ts";
import type { World } from "../worker/world.ts";
import type { Call, Targets } from "./attempts.ts";
import { makeDiskWorld, type DiskWorld } from "./diskWorld.ts";

const MIB = 1024 ** 2;
export const PORT = 7_777;
export const MEMORY_BYTES = 512 * MIB;
export const DISK_BYTES = 32 * MIB;
/** PostgreSQL begins with some 40 MiB. */
export const ATTACHMENT_DISK_BYTES = 128 * MIB;
const RUNNING_WITHIN_MS = 280_000;
const PROBES = new URL("./probes.py", import.meta.url);
const LIMITS = { cpus: 1, memory: `${MEMORY_BYTES / MIB}m`, disk: `${DISK_BYTES / MIB}m` };

/** Two projects on the real worker, a service of the host's, and a stranger's container: who must not reach whom. */
export class IsolationWorld {
  readonly world: World;
  readonly disks: LoopDisks;

  private constructor(
    private readonly machine: DiskWorld,
    readonly open: ProjectSpec,
    readonly closed: ProjectSpec,
    readonly bystander: Docker.Container,
    private readonly probes: string,
    private readonly host: Awaited<ReturnType<typeof hostService>>,
  ) {
    this.world = machine.world;
    this.disks = machine.disks;
  }

  static async make(instanceId: string, httpPort: number): Promise<IsolationWorld> {
    const machine = await makeDiskWorld(instanceId, httpPort);
    const { world, disks } = machine;
    await world.startWorker(new DockerEngine(world.docker, { disks }));
    const services = {
      app: { stack: "python", route: "/" },
      peer: { stack: "python" },
    };
    const environments = { dev: LIMITS };
    const attachments = [{ image: "postgres:15", volume: `${ATTACHMENT_DISK_BYTES / MIB}m` }];
    const open = world.controlPlane.create("iso-open", { services, environments, attachments });
    const closed = world.controlPlane.create("iso-none", { services, environments, egress: "none" });
    const [probes, host, bystander] = await Promise.all([
      readFile(PROBES, "utf8"),
      hostService(),
      stranger(world.docker, instanceId),
      develop(world, open),
      develop(world, closed),
    ]);
    const made = new IsolationWorld(machine, open, closed, bystander, probes, host);
    for (const project of [open, closed]) {
      for (const service of ["app", "peer"]) await made.answer(project, service);
    }
    return made;
  }

  async end(): Promise<void> {
    await this.bystander.remove({ force: true });
    await this.host.end();
    await this.machine.end();
  }

  /**
   * Tries everything of `calls` in a project's container.
   * @param together all at once: for what mostly waits
   * @returns outcomes in their order
   */
  async attempt(
    project: ProjectSpec,
    calls: readonly Call[],
    { service = "app", together = false } = {},
  ): Promise<string[]> {
    const named = calls.map((call, index) => [String(index), ...call]);
    const text = await this.world.run(
      project,
      ["python3", "-c", this.probes, JSON.stringify(named), together ? "together" : "in turn"],
      service,
    );
    const outcomes = JSON.parse(text.split("\n").at(-1) ?? "") as Record<string, string>;
    return calls.map((_, index) => String(outcomes[index]));
  }

  /** As `attempt`, all at once, from a container that has nothing of another one's but its network. */
  async attemptFromNetworkOf(container: Docker.Container, calls: readonly Call[]): Promise<string[]> {
    const named = calls.map((call, index) => [String(index), ...call]);
    const probe = await this.world.docker.createContainer({
      Image: "slipway/python:3",
      Cmd: ["python3", "-c", this.probes, JSON.stringify(named), "together"],
      User: "1000:1000",
      HostConfig: { NetworkMode: `container:${container.id}`, CapDrop: ["ALL"] },
    });
    try {
      await probe.start();
      await probe.wait();
      const log = await probe.logs({ stdout: true, stderr: false, follow: false });
      const outcomes = JSON.parse(logText(log)) as Record<string, string>;
      return calls.map((_, index) => String(outcomes[index]));
    } finally {
      await probe.remove({ force: true });
    }
  }

  async targetsOf(project: ProjectSpec): Promise<Targets> {
    const other = project === this.open ? this.closed : this.open;
    const [peer, foreign, foreignPeer, gateway, bystander, own] = await Promise.all([
      this.world.container(project, "peer").inspect(),
      this.world.container(other).inspect(),
      this.world.container(other, "peer").inspect(),
      this.world.docker.getContainer(gatewayName(this.world.instanceId)).inspect(),
      this.bystander.inspect(),
      this.world.container(project).inspect(),
    ]);
    return {
      peer: { name: "peer", address: addressesOf(peer)[0]! },
      port: PORT,
      foreign: {
        addresses: [...addressesOf(foreign), ...addressesOf(foreignPeer)],
        names: [foreign.Name.slice(1), foreignPeer.Name.slice(1)],
        hostPid: foreign.State.Pid,
      },
      host: {
        addresses: [...new Set([...gatewaysOf(own), ...gatewaysOf(bystander), ...machineAddresses()])],
        port: this.host.port,
      },
      gateway: {
        addresses: addressesOf(gateway),
        ports: await this.listeningPorts(),
        name: gatewayName(this.world.instanceId),
      },
      bystander: addressesOf(bystander)[0]!,
      hostPaths: [this.disks.folder, "/var/run/docker.sock", "/var/lib/docker/overlay2"],
      memoryBytes: MEMORY_BYTES,
      diskBytes: DISK_BYTES,
    };
  }

  /** Everything that the gateway's processes listen on. */
  private async listeningPorts(): Promise<number[]> {
    const container = this.world.docker.getContainer(gatewayName(this.world.instanceId));
    const { State } = await container.inspect();
    const table = await readFile(`/proc/${State.Pid}/net/tcp`, "utf8");
    const ports = table
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A")
      .map((fields) => parseInt(fields[1]!.split(":")[1]!, 16));
    return [...new Set(ports)].sort((a, b) => a - b);
  }

  /** What the gateway answers for a project's page; each time over a connection of its own. */
  async statusOf(project: ProjectSpec): Promise<number> {
    return await new Promise((resolve, reject) => {
      const url = this.world.url(project.namespace);
      const request = get(url, { agent: false, timeout: 10_000 }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("timeout", () => request.destroy(new Error("no answer within 10 s")));
      request.on("error", reject);
    });
  }

  /** Starts what answers others' attempts; it runs until its container goes. */
  private async answer(project: ProjectSpec, service: string): Promise<void> {
    await this.attempt(project, [["answer", PORT]], { service });
  }
}

/** The first project that ever needs a database waits until its image is made. */
async function develop(world: World, project: ProjectSpec): Promise<void> {
  world.controlPlane.move(project.projectId, "development");
  await world.become(project, "running", "dev", RUNNING_WITHIN_MS);
}

function addressesOf({ NetworkSettings }: Docker.ContainerInspectInfo): string[] {
  return Object.values(NetworkSettings.Networks)
    .map(({ IPAddress }) => IPAddress)
    .filter((address) => address !== "");
}

/** The host's address on each of a container's networks; an internal network has one too. */
function gatewaysOf({ NetworkSettings }: Docker.ContainerInspectInfo): string[] {
  return Object.values(NetworkSettings.Networks).flatMap(({ Gateway, IPAddress, IPPrefixLen }) => [
    Gateway || firstOf(IPAddress, IPPrefixLen),
  ]);
}

function firstOf(address: string, prefix: number): string {
  const bytes = address.split(".").map(Number);
  const number = bytes.reduce((all, byte) => all * 256 + byte, 0);
  const first = Math.floor(number / 2 ** (32 - prefix)) * 2 ** (32 - prefix) + 1;
  return [24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256).join(".");
}

function machineAddresses(): string[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo|docker|br-|sw|sg|so|veth)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);
}

/** Listens on all of the host's addresses, on TCP and UDP, as Convex or a database there might. */
async function hostService(): Promise<{ port: number; end: () => Promise<void> }> {
  const server = createServer((socket) => socket.on("error", () => undefined).end("hello"));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "0.0.0.0", () => resolve((server.address() as { port: number }).port));
  });
  const datagrams = createSocket("udp4");
  datagrams.on("message", (_message, from) => datagrams.send("hello", from.port, from.address));
  await new Promise<void>((resolve) => datagrams.bind(port, "0.0.0.0", resolve));
  return {
    port,
    async end() {
      datagrams.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A container that is not Slipway's, on Docker's own bridge. */
async function stranger(docker: Docker, instanceId: string): Promise<Docker.Container> {
  const name = `${instanceId}-stranger`;
  await docker
    .getContainer(name)
    .remove({ force: true })
    .catch(() => undefined);
  const container = await docker.createContainer({
    name,
    Image: "slipway/tools:1",
    Cmd: ["busybox", "httpd", "-f", "-p", String(PORT), "-h", "/tmp"],
    Labels: { [LABELS.role]: "stranger" },
    HostConfig: { Init: true },
  });
  await container.start();
  return container;
}

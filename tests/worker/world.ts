import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import Docker from "dockerode";
import { ownedBy } from "../../core/labels.ts";
import { environmentPath } from "../../core/routes.ts";
import { loadAttachments } from "../../docker/attachments/loadAttachments.ts";
import { loadStacks, starterFolder } from "../../docker/stacks/loadStacks.ts";
import type { EnvironmentKind, Status } from "../../core/lifecycle.ts";
import type { Phase, ProjectSpec } from "../../core/projectSpec.ts";
import { deriveCredential } from "../../worker/attachments/credentials.ts";
import { imageBuilder } from "../../worker/attachments/imageBuilder.ts";
import { pause, realClock } from "../../worker/clock.ts";
import type { LoopDisks } from "../../worker/disks/loopDisks.ts";
import type { VolumeWatch } from "../../worker/disks/volumeWatch.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import type { Engine } from "../../worker/engine/engine.ts";
import { removeFirewall } from "../../worker/firewall/firewall.ts";
import { removeGateway } from "../../worker/gateway/ensure.ts";
import { SocketGateway } from "../../worker/gateway/socketGateway.ts";
import { healthCheckBy } from "../../worker/healthCheck.ts";
import { jsonLog } from "../../worker/log.ts";
import { sharedParts } from "../../worker/shared.ts";
import { startersFrom } from "../../worker/starters.ts";
import { MemoryControlPlane } from "../../worker/testing/memoryControlPlane.ts";
import { noteInstance } from "../leftovers/ledger.ts";
import type { RetryPolicy } from "../../worker/queue.ts";
import { Worker } from "../../worker/worker.ts";

/** Of this instance alone, whose databases go with it. */
export const CREDENTIALS_KEY = Buffer.alloc(32, 7);
const WITHIN_MS = 60_000;

type Answer = { status: number; body: string };

/** Where a world is, if not on the machine's own engine. */
export type Place = {
  docker: Docker;
  /** Asks the gateway, where its port is not the test's to reach. */
  get?: (path: string) => Promise<Answer>;
};

/** A host of the test's own on the real engine: real gateway, real firewall, real containers. */
export class World {
  readonly docker: Docker;
  readonly logs: string[] = [];
  /** What the worker tends; null where volumes have none. */
  disks: LoopDisks | null = null;
  readonly controlPlane: MemoryControlPlane;
  readonly gateway: SocketGateway;
  readonly instanceId: string;
  readonly httpPort: number;
  /** Where its projects' subnets come from, in CIDR form. */
  readonly pool: string;
  private readonly dataDir: string;
  private readonly template: string;
  private worker: Worker | null = null;
  private forget = async () => {};

  private constructor(
    instanceId: string,
    httpPort: number,
    dataDir: string,
    template: string,
    private readonly place: Place,
  ) {
    this.docker = place.docker;
    this.instanceId = instanceId;
    this.httpPort = httpPort;
    // Worlds that are there at the same time have no subnet in common, as they have no port in common.
    const prefix = `10.${130 + (httpPort % 100)}`;
    this.controlPlane = new MemoryControlPlane(prefix);
    this.pool = `${prefix}.0.0/16`;
    this.dataDir = dataDir;
    this.template = template;
    this.gateway = new SocketGateway(dataDir);
  }

  static async make(
    instanceId: string,
    httpPort: number,
    place: Place = { docker: new Docker() },
  ): Promise<World> {
    const dataDir = await mkdtemp(join(tmpdir(), "slipway-worker-"));
    const template = await readFile(new URL("../../docker/project-template.yml", import.meta.url), "utf8");
    const world = new World(instanceId, httpPort, dataDir, template, place);
    world.forget = await noteInstance({ instanceId, dataDir });
    await world.removeOwned();
    await world.ensureShared(true);
    return world;
  }

  /** Starts a worker, as a new process would: nothing of an earlier one is known to it. */
  async startWorker(
    engine: Engine = new DockerEngine(this.docker),
    { retry, volumeWatch }: { retry?: RetryPolicy; volumeWatch?: VolumeWatch } = {},
  ): Promise<Worker> {
    const stacks = loadStacks();
    const worker: Worker = new Worker({
      engine,
      controlPlane: this.controlPlane,
      gateway: this.gateway,
      starters: startersFrom((stack) => starterFolder(stacks[stack]!)),
      stacks,
      attaching: {
        definitions: loadAttachments(),
        credentials: async (name) => deriveCredential(CREDENTIALS_KEY, name),
        buildImage: imageBuilder(),
      },
      template: this.template,
      instanceId: this.instanceId,
      healthCheck: healthCheckBy(this.docker),
      clock: realClock,
      random: Math.random,
      log: jsonLog((line) => this.logs.push(line)),
      ensureShared: async (engineChanged) => {
        // Of a dead worker nothing reaches Docker any more, by this way either.
        if (this.worker !== worker) await new Promise<never>(() => {});
        await this.ensureShared(engineChanged);
      },
      onFenced: () => {},
      isFenced: () => false,
      timing: { resyncMs: 1_000, orphanGraceMs: 2_000 },
      ...(retry && { retry }),
      ...(volumeWatch && { volumeWatch }),
    });
    this.worker = worker;
    await worker.start();
    return worker;
  }

  /** What SIGKILL leaves of a worker: nobody hears of it again. Its engine must be dead already. */
  abandonWorker(): void {
    this.controlPlane.dropListeners();
    this.worker = null;
  }

  async stopWorker(): Promise<void> {
    await this.worker?.stop();
    this.worker = null;
  }

  async become(
    project: ProjectSpec,
    phase: Phase,
    kind: EnvironmentKind = "dev",
    withinMs = WITHIN_MS,
  ): Promise<void> {
    await this.controlPlane.until(
      () => {
        const row = this.controlPlane.rows.get(project.projectId);
        const wanted = row?.spec.environments.find((environment) => environment.kind === kind);
        const seen = row?.observed.get(kind);
        return seen?.phase === phase && seen.observedGeneration === wanted?.generation;
      },
      `${project.slug} ${kind} ${phase}`,
      withinMs,
    );
  }

  async move(project: ProjectSpec, status: Status, phase: Phase): Promise<void> {
    this.controlPlane.move(project.projectId, status);
    await this.become(project, phase);
  }

  /** Also where it is being deleted already, or is gone. */
  async remove(project: ProjectSpec): Promise<void> {
    if (this.controlPlane.rows.has(project.projectId)) this.controlPlane.move(project.projectId, "deleting");
    await this.controlPlane.until(
      () => !this.controlPlane.rows.has(project.projectId),
      `${project.slug} gone`,
      WITHIN_MS,
    );
  }

  container(project: ProjectSpec, service = "app", kind = "dev"): Docker.Container {
    return this.docker.getContainer(`${project.namespace}-${kind}-${service}-1`);
  }

  /** Runs a command in a project's container. @returns what it wrote, without the space around it */
  async run(project: ProjectSpec, command: string[], service = "app", kind = "dev"): Promise<string> {
    const exec = await this.container(project, service, kind).exec({
      Cmd: command,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    const written: Buffer[] = [];
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk);
        done();
      },
    });
    this.docker.modem.demuxStream(stream, output, output);
    await finished(stream, { writable: false });
    const { ExitCode } = await exec.inspect();
    const text = Buffer.concat(written).toString("utf8").trim();
    if (ExitCode !== 0) throw new Error(`${command.join(" ")} ended with ${ExitCode}: ${text}`);
    return text;
  }

  /** Asks until `condition` holds, twenty times a second by default. */
  async eventually(
    what: string,
    condition: () => Promise<boolean>,
    withinMs: number = WITHIN_MS,
    everyMs = 50,
  ): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
      await pause(realClock, everyMs);
    }
  }

  async end(): Promise<void> {
    await this.stopWorker();
    await this.removeOwned();
    await removeGateway(this.docker, this.instanceId);
    await removeFirewall(this.docker, { instanceId: this.instanceId });
    await rm(this.dataDir, { recursive: true, force: true });
    await this.forget();
  }

  url(namespace: string, kind = "dev", path = "/"): string {
    return `http://127.0.0.1:${this.httpPort}${environmentPath(namespace, kind)}${path}`;
  }

  async get(namespace: string, kind = "dev", path = "/"): Promise<Answer> {
    if (this.place.get) return await this.place.get(`${environmentPath(namespace, kind)}${path}`);
    const response = await fetch(this.url(namespace, kind, path), { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.text() };
  }

  /** Names of everything that is labelled as this instance's, the shared parts left out. */
  async owned(): Promise<string[]> {
    const filters = { label: [ownedBy(this.instanceId), "slipway.namespace"] };
    const [containers, networks, volumes] = await Promise.all([
      this.docker.listContainers({ all: true, filters }),
      this.docker.listNetworks({ filters }),
      this.docker.listVolumes({ filters }),
    ]);
    return [
      ...containers.map(({ Names }) => Names[0]!.slice(1)),
      ...networks.map(({ Name }) => Name),
      ...(volumes.Volumes ?? []).map(({ Name }) => Name),
    ].sort();
  }

  private async removeOwned(): Promise<void> {
    const filters = { label: [ownedBy(this.instanceId), "slipway.namespace"] };
    for (const { Id } of await this.docker.listContainers({ all: true, filters })) {
      await this.docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of await this.docker.listNetworks({ filters }))
      await this.docker.getNetwork(Id).remove();
    for (const { Name } of (await this.docker.listVolumes({ filters })).Volumes ?? []) {
      await this.docker.getVolume(Name).remove();
    }
  }

  private async ensureShared(engineChanged: boolean): Promise<void> {
    const config = {
      convexUrl: "http://unused.invalid",
      tokenFile: "",
      dataDir: this.dataDir,
      instanceId: this.instanceId,
      httpPort: this.httpPort,
      httpBind: "127.0.0.1",
      baseDomain: "localhost",
      hostName: "test",
    };
    this.shared ??= sharedParts(
      this.docker,
      config,
      realClock,
      jsonLog((line) => this.logs.push(line)),
      { disks: async () => this.disks, networks: () => [this.pool] },
    );
    await this.shared(engineChanged);
  }
  private shared: ((engineChanged: boolean) => Promise<void>) | null = null;
}

import { edgesFrom, ENVIRONMENT_KINDS } from "../../core/lifecycle.ts";
import { LABELS } from "../../core/labels.ts";
import type { ManifestInput } from "../../core/manifest.ts";
import { containerName, makeNamespace, networkName, volumeName } from "../../core/naming.ts";
import { parsePool, subnetAt } from "../../core/subnets.ts";
import type { ContainerPlan } from "../engine/engine.ts";
import { DEPLOYMENT_VARIABLES } from "./convexServer.ts";
import { isRunning, type FakeContainer } from "./engineObjects.ts";
import { REGISTRATION } from "./fakeControlPlane.ts";
import { edited } from "./edits.ts";
import type { Action, Deed } from "./program.ts";
import { environmentsOf, manifestOf, projectsOf } from "./rows.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;

/** Those who use the machine, with and without Slipway, and what befalls it. */
export class People {
  /** Whatever is not Slipway's, as it was made: it must be so in the end. */
  readonly foreign: { what: string; isThere: () => boolean }[] = [];
  /** Foreign objects under names that Slipway wants: somebody takes them away before the end. */
  private readonly namesakes: (() => void)[] = [];
  private count = 0;

  constructor(private readonly world: World) {}

  do(action: Action): void {
    this.world.story.tell("people", () => action.do);
    this.deeds[action.do](action);
  }

  /** What is in Slipway's way goes, so that it can come to what is wanted. */
  clearTheWay(): void {
    for (const remove of this.namesakes) remove();
  }

  call(path: string, args: object): void {
    // What the control plane refuses (an illegal move, no capacity) is its right.
    this.world.server.call(path, args, "admin").then(
      () => this.world.story.tell("people", () => `${path} ${JSON.stringify(args)}`),
      (error: unknown) => this.world.story.tell("people", () => `${path} is refused: ${String(error)}`),
    );
  }

  private readonly deeds: Record<Deed, (action: Action) => void> = {
    move: ({ pick, more }) => {
      const project = choose(projectsOf(this.world), pick);
      if (!project) return;
      const edges = edgesFrom(project.status, project.pausedFrom).filter(({ to }) => to !== "deleting");
      const gentle = edges.filter(({ to }) => to !== "failed" && to !== "paused");
      const edge = choose(more < 0.75 && gentle.length > 0 ? gentle : edges, (more * 7.3) % 1);
      if (!edge) return;
      const reason = { override: true, reason: "simulated" };
      this.call("projects:updateProjectStatus", { project: project._id, to: edge.to, ...reason });
    },
    edit: ({ pick, more }) => {
      const project = choose(projectsOf(this.world), pick);
      if (!project) return;
      const manifest = edited(manifestOf(this.world, project) as ManifestInput, more);
      this.call("projects:updateManifest", { project: project._id, manifest });
    },
    delete: ({ pick }) => {
      const project = choose(projectsOf(this.world), pick);
      if (!project) return;
      this.call("projects:deleteProject", { project: project._id });
      // Its name may come again at once, and must not meet what is left of it.
      if (pick < 0.5) this.call("projects:createProject", { name: `again-${++this.count}`, stack: "node" });
    },
    retry: ({ pick }) => {
      const project = choose(projectsOf(this.world), pick);
      if (project) this.call("projects:retryProject", { project: project._id });
    },
    reclaim: () => {
      for (const project of projectsOf(this.world)) {
        if (project.status === "failed") this.world.watcher.reclaimed.add(project.namespace);
      }
      this.call("maintenance:reclaimVolumes", {});
    },
    "docker kill": ({ pick }) => {
      const container = choose(this.ours(isRunning), pick);
      if (container) ignore(this.world.containers.kill(container));
    },
    "docker rm -f": ({ pick }) => {
      const container = choose(this.ours(), pick);
      if (container && !container.removing) this.rm(container);
    },
    "docker stop": ({ pick }) => {
      const container = choose(this.ours(isRunning), pick);
      if (container) ignore(this.world.containers.stop(container.id, 10_000));
    },
    "docker pause": ({ pick }) => {
      const container = choose(this.ours(isRunning), pick);
      if (container) this.world.containers.setPaused(container, true);
    },
    "docker unpause": ({ pick }) => {
      const container = choose(
        this.ours(({ state }) => state === "paused"),
        pick,
      );
      if (container) this.world.containers.setPaused(container, false);
    },
    "network disconnect": ({ pick, more }) => {
      const container = choose(this.ours(isRunning), pick);
      const network = container && choose([...container.endpoints.keys()], more);
      if (container && network) this.world.containers.disconnect(container, network);
    },
    "network rm": ({ pick }) => {
      const { engine, containers } = this.world;
      const network = choose(
        [...engine.networks.values()].filter(({ labels }) => labels[LABELS.namespace]),
        pick,
      );
      if (!network) return;
      for (const container of engine.activeOn(network)) containers.disconnect(container, network.name);
      engine.dropNetwork(network);
    },
    "network prune": () => {
      const { engine } = this.world;
      for (const network of engine.networks.values()) {
        if (network.labels[LABELS.instance] && engine.activeOn(network).length === 0)
          engine.dropNetwork(network);
      }
    },
    "container prune": () => {
      for (const container of this.ours((one) => !isRunning(one) && one.state !== "restarting")) {
        if (!container.removing) this.rm(container);
      }
    },
    "image rm": ({ pick }) => {
      const { engine } = this.world;
      const image = choose([...engine.images], pick);
      if (!image || [...engine.containers.values()].some((container) => container.image === image)) return;
      engine.images.delete(image);
      engine.emit({ type: "image", action: "untag", id: image, name: image });
      this.world.time.after(30_000, () => engine.addImage(image));
    },
    "foreign container": ({ pick }) => this.addForeign(`postgres-${++this.count}`, pick),
    "foreign network": ({ more }) => {
      const { engine } = this.world;
      const subnet = subnetAt(parsePool(DEPLOYMENT_VARIABLES.SLIPWAY_SUBNET_POOL), Math.floor(more * 12));
      try {
        const network = engine.addNetwork({
          name: `lan-${++this.count}`,
          labels: {},
          internal: false,
          subnet,
        });
        this.world.watcher.foreignSubnets.push(subnet);
        this.foreign.push({ what: network.name, isThere: () => engine.networks.get(network.id) === network });
      } catch {
        // Docker refuses a block that a project has.
      }
    },
    "foreign volume": () => {
      const volume = this.world.engine.addVolume(`data-${++this.count}`, { owner: "somebody" });
      this.foreign.push({
        what: volume.name,
        isThere: () => this.world.engine.volumes.get(volume.name) === volume,
      });
    },
    "foreign port": ({ more }) => {
      const [first, last] = DEPLOYMENT_VARIABLES.SLIPWAY_PORT_RANGE.split("-").map(Number);
      // Among the first of the range, which are given out first.
      const port = Math.min(last!, first! + Math.floor(more * 12));
      const { ports } = this.world;
      if (!ports.take(port)) return;
      this.foreign.push({ what: `listener at ${port}`, isThere: () => ports.ownerOf(port) === "somebody" });
    },
    "namesake container": ({ pick }) => {
      const project = choose(projectsOf(this.world), pick);
      if (project) this.addForeign(containerName(project.namespace, "dev", "app", 1), pick, true);
    },
    "namesake network": ({ pick }) => {
      const project = choose(projectsOf(this.world), pick);
      const name = project && networkName(project.namespace, "dev");
      const { engine } = this.world;
      if (!name || [...engine.networks.values()].some((network) => network.name === name)) return;
      const network = engine.addNetwork({ name, labels: {}, internal: false, subnet: null });
      this.passing(
        `the namesake ${name}`,
        () => engine.networks.has(network.id) && engine.activeOn(network).length === 0,
        () => engine.dropNetwork(network),
      );
    },
    "namesake volume": ({ pick }) => {
      const project = choose(projectsOf(this.world), pick);
      const name = project && volumeName(project.namespace, "dev", "workspace");
      const { engine } = this.world;
      if (!name || engine.volumes.has(name)) return;
      const volume = engine.addVolume(name, { owner: "somebody" });
      this.passing(
        `the namesake ${name}`,
        () => engine.volumes.get(name) === volume && volume.files.size === 0,
        () => void engine.volumes.delete(name),
      );
    },
    orphan: ({ more }) => this.addOrphan(more),
    "engine restart": ({ more }) => {
      const { engine, containers, supervisor, time } = this.world;
      engine.up = false;
      engine.epoch += 1;
      const back = containers.restartAll();
      for (const { engine: client } of supervisor.processes)
        for (const lost of [...(client?.streams ?? [])]) lost();
      time.after(1_000 + more * 20_000, () => {
        engine.up = true;
        for (const container of back) ignore(containers.comeBack(container));
      });
    },
    "events lost": () => {
      for (const { engine } of this.world.supervisor.processes)
        for (const lost of [...(engine?.streams ?? [])]) lost();
    },
    "gateway away": ({ more }) => {
      this.world.gateway.up = false;
      this.world.time.after(500 + more * 60_000, () => (this.world.gateway.up = true));
    },
    "gateway forgets": () => this.world.gateway.table.clear(),
    "control plane away": ({ more }) => {
      this.world.controlPlaneUp = false;
      this.world.time.after(2_000 + more * 240_000, () => (this.world.controlPlaneUp = true));
    },
    "worker crash": () => this.world.supervisor.crash(),
    "rival worker": () => this.world.supervisor.rival(),
    "clock forward": ({ more }) => this.world.time.jump(Math.floor(more * 2 * HOUR_MS)),
    "clock back": ({ more }) => this.world.time.jump(-Math.floor(more * 2 * HOUR_MS)),
  };

  private ours(which: (container: FakeContainer) => boolean = () => true): FakeContainer[] {
    return [...this.world.engine.containers.values()].filter(
      (container) =>
        container.labels[LABELS.instance] === REGISTRATION.instanceId &&
        container.labels[LABELS.namespace] &&
        which(container),
    );
  }

  private rm(container: FakeContainer): void {
    ignore(this.world.containers.removeByHand(container));
  }

  private addForeign(name: string, pick: number, isNamesake = false): void {
    const { engine, containers } = this.world;
    if (engine.find(name)) return;
    const container = containers.add({ ...BARE, name, labels: pick < 0.5 ? {} : OTHER_INSTANCE });
    container.state = "running";
    const isUntouched = () =>
      engine.containers.get(container.id) === container &&
      container.state !== "paused" &&
      !container.stoppedByHand &&
      !container.removing;
    // When everything calms down, a restart of the engine may not have brought it back yet.
    if (isNamesake)
      this.passing(`the namesake ${name}`, isUntouched, () => void engine.containers.delete(container.id));
    else this.foreign.push({ what: name, isThere: () => isUntouched() && container.state === "running" });
  }

  /** Something that is in the way until people take it away. */
  private passing(what: string, isThere: () => boolean, remove: () => void): void {
    this.namesakes.push(() => {
      if (!isThere()) this.world.watcher.violate(`${what} was touched`);
      remove();
    });
  }

  /** What an earlier installation or a crash left: it has our label, and no project owns it. */
  private addOrphan(more: number): void {
    const { engine, containers, watcher } = this.world;
    const namespace = makeNamespace(1_600_000_000_000 + ++this.count, this.world.random.next);
    const labels = {
      [LABELS.instance]: REGISTRATION.instanceId,
      [LABELS.namespace]: namespace,
      [LABELS.environment]: ENVIRONMENT_KINDS[Math.floor(more * 3)]!,
    };
    watcher.planted.set(namespace, { firstLookAt: 0, looks: new Set() });
    engine.addVolume(`${namespace}_dev_workspace`, labels);
    if (more < 0.7) engine.addNetwork({ name: `${namespace}_dev`, labels, internal: true, subnet: null });
    if (more < 0.5) {
      const plan = { ...BARE, name: `${namespace}-dev-app-1`, labels };
      const container = containers.add(
        more < 0.3 ? { ...plan, networks: [{ name: `${namespace}_dev`, aliases: [] }] } : plan,
      );
      if (more < 0.4) ignore(containers.start(container.id));
    }
  }

  /** The environments that people want, as the control plane has them. */
  desired() {
    return projectsOf(this.world).flatMap((project) =>
      environmentsOf(this.world, project).map((environment) => ({ project, environment })),
    );
  }
}

const OTHER_INSTANCE = {
  [LABELS.instance]: "other123",
  [LABELS.namespace]: "project_1500000000000_otheroth",
};

/** As much of a container as matters for one that is not Slipway's. */
const BARE: ContainerPlan = {
  name: "",
  image: "sim/tool:1",
  entrypoint: null,
  command: null,
  user: "0:0",
  workingDir: null,
  environment: {},
  labels: {},
  networks: [],
  mounts: [],
  dns: [],
  tmpfs: {},
  readOnly: false,
  init: false,
  capDrop: [],
  securityOptions: [],
  memoryBytes: 64 * 1024 ** 2,
  memorySwapBytes: 64 * 1024 ** 2,
  cpus: 1,
  pids: 10,
  stopGraceMs: 10_000,
  restart: "unless-stopped",
  healthcheck: null,
  logging: { driver: "json-file", options: {} },
};

function choose<T>(values: readonly T[], pick: number): T | undefined {
  return values[Math.floor(pick * values.length)];
}

/** What people try may fail: the engine is restarted, somebody else was faster. */
function ignore(trying: Promise<unknown>): void {
  trying.catch(() => {});
}

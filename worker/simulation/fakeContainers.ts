import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ContainerPlan, ContainerRun, EngineEvent } from "../engine/engine.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import { isRunning, type FakeContainer, type FakeVolume } from "./engineObjects.ts";
import { fault, mounts, type FakeEngine } from "./fakeEngine.ts";
import { filesOf, knownFiles, tarOf, TORN } from "./archive.ts";

/** Stands in for the labels that such a volume lacks: an empty one of nobody's. */
export const MADE_BY_DOCKER = { "made.by": "docker" };
/** A start's first verdict comes a whole interval after it, as of engines without a start interval. */
export const HEALTH_INTERVAL_MS = 30_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 60_000;
/** A run this long ends a container's backing off. */
const STEADY_MS = 10_000;

/** How a container behaves once it runs. */
export type Behaviour = {
  listensAfterMs: number;
  /** Ends by itself; null: never. */
  ends: { afterMs: number; exitCode: number } | null;
};

/** The containers' half of the fake engine: each has a lock, as Docker's have, and ends before lists show it. */
export class FakeContainers {
  constructor(
    private readonly engine: FakeEngine,
    private readonly behaviourOf: (container: FakeContainer) => Behaviour,
  ) {}

  async create(plan: ContainerPlan): Promise<{ id: string }> {
    const { engine } = this;
    for (const name of mounts(plan)) {
      const volume = engine.volumes.get(name);
      if (volume) engine.observer.onTouch(`mount the volume ${name}`, volume.labels);
    }
    await engine.work(5, 30);
    if (!engine.images.has(plan.image)) throw fault("image_missing", `No such image: ${plan.image}`);
    if (engine.find(plan.name)) throw fault("name_taken", `${plan.name} is already in use by container`);
    // Docker makes a volume that is missing, with a label only where one is said.
    for (const name of mounts(plan))
      if (!engine.volumes.has(name)) engine.addVolume(name, plan.volumeLabels ?? MADE_BY_DOCKER);
    return { id: this.add(plan).id };
  }

  add(plan: ContainerPlan): FakeContainer {
    const [network] = plan.networks;
    const container: FakeContainer = {
      id: this.engine.id(),
      name: plan.name,
      image: plan.image,
      labels: plan.labels,
      plan,
      state: "created",
      health: "none",
      exitCode: null,
      endpoints: new Map(network ? [[network.name, { networkId: null, address: null }]] : []),
      run: 0,
      startedAt: 0,
      ranAt: null,
      listening: false,
      stoppedByHand: false,
      backoffMs: FIRST_BACKOFF_MS,
      removing: false,
      gone: false,
      lock: Promise.resolve(),
    };
    this.engine.containers.set(container.id, container);
    return container;
  }

  async connect(network: string, ref: string): Promise<"connected" | "unchanged"> {
    const container = this.engine.need(ref);
    const found = this.engine.networkNamed(network);
    this.touch("connect", container);
    this.engine.observer.onTouch(`connect to the network ${network}`, found.labels);
    return await this.locked(container, async () => {
      await this.engine.work(5, 60);
      const known = container.endpoints.get(network);
      if (known?.networkId === found.id) return "unchanged";
      if (isRunning(container)) {
        if (!this.engine.networks.has(found.id)) throw fault("not_found", `network ${network} not found`);
        const address = this.engine.freeAddress(found);
        container.endpoints.set(network, { networkId: found.id, address });
      } else container.endpoints.set(network, { networkId: null, address: null });
      this.engine.observer.onChange();
      return "connected";
    });
  }

  async leave(network: string, ref: string): Promise<"disconnected" | "unchanged"> {
    const container = this.engine.need(ref);
    this.touch("disconnect", container);
    return await this.locked(container, async () => {
      await this.engine.work(5, 60);
      if (!container.endpoints.has(network)) return "unchanged";
      this.disconnect(container, network);
      return "disconnected";
    });
  }

  async start(ref: string): Promise<"started" | "unchanged"> {
    const container = this.engine.need(ref);
    this.touch("start", container);
    return await this.locked(container, async () => {
      if (container.state === "running" || container.state === "restarting") return "unchanged";
      if (container.state === "paused") throw fault("in_use", "cannot start a paused container");
      if (container.removing) throw fault("in_use", "the container is marked for removal");
      container.stoppedByHand = false;
      await this.run(container);
      return "started";
    });
  }

  async pause(ref: string): Promise<"paused" | "unchanged"> {
    const container = this.engine.need(ref);
    this.touch("pause", container);
    return await this.locked(container, async () => {
      if (container.state === "paused") return "unchanged";
      if (container.state !== "running") throw fault("in_use", "the container is not running");
      this.setPaused(container, true);
      return "paused";
    });
  }

  async unpause(ref: string): Promise<"unpaused" | "unchanged"> {
    const container = this.engine.need(ref);
    this.touch("unpause", container);
    return await this.locked(container, async () => {
      if (container.state !== "paused") return "unchanged";
      this.setPaused(container, false);
      return "unpaused";
    });
  }

  async stop(ref: string, graceMs: number): Promise<"stopped" | "unchanged" | "absent"> {
    const container = this.engine.find(ref);
    if (!container) return "absent";
    this.touch("stop", container);
    return await this.locked(container, async () => {
      if (container.state === "paused") throw fault("in_use", "the container is paused");
      container.stoppedByHand = true;
      if (container.state === "restarting") {
        container.state = "exited";
        return "stopped";
      }
      if (container.state !== "running") return "unchanged";
      this.emit(container, "kill");
      const patient = this.engine.random.chance(0.1);
      await this.engine.work(patient ? graceMs : 20, patient ? graceMs : 400);
      await this.end(container, patient ? 137 : 143);
      return "stopped";
    });
  }

  async remove(ref: string): Promise<"removed" | "absent"> {
    const container = this.engine.find(ref);
    if (!container) return "absent";
    this.touch("remove", container);
    if (container.removing) throw fault("in_use", "removal is already in progress");
    await this.removeByHand(container);
    this.engine.observer.onRemoved("container", container.name, container.labels);
    return "removed";
  }

  async lastRun(container: FakeContainer): Promise<ContainerRun | null> {
    if (!container.ranAt) return null;
    const { startedAt, finishedAt } = container.ranAt;
    return { startedAt, finishedAt, exitCode: container.exitCode, outOfMemory: false };
  }

  async changeDone(ref: string): Promise<void> {
    const container = this.engine.find(ref);
    if (container) await this.locked(container, async () => {});
  }

  /** @param isCut whether the sender is gone: then only half of it comes */
  async put(ref: string, tar: Readable | Buffer, isCut: () => boolean): Promise<void> {
    const container = this.engine.need(ref);
    this.touch("copy into", container);
    const volume = this.workspaceOf(container);
    const { time } = this.engine;
    const files = [...(knownFiles(tar) ?? (await time.whileStreaming(() => filesOf(tar))))];
    const half = Math.floor(files.length / 2);
    await this.locked(container, async () => {
      this.engine.observer.onFilled(volume, container, files);
      volume.putters.add(container);
      try {
        for (const [path, content] of files.slice(0, half)) volume.files.set(path, content);
        // What is there already is written anew, from its beginning.
        for (const [path] of files.slice(half, half + 1)) volume.files.set(path, TORN);
        await this.engine.work(10, 250);
        if (isCut()) throw fault("unreachable", "the connection was cut");
        for (const [path, content] of files.slice(half)) volume.files.set(path, content);
        this.engine.observer.onFilled(volume, container, files);
      } finally {
        volume.putters.delete(container);
      }
    });
  }

  async get(ref: string, path: string): Promise<Readable> {
    const container = this.engine.need(ref);
    const mount = container.plan.mounts.find(
      ({ target }) => path === target || path.startsWith(`${target}/`),
    );
    const volume = mount && this.engine.volumes.get(mount.volume);
    if (!volume) throw fault("not_found", `no ${path} in ${ref}`);
    await this.engine.work(1, 20);
    return await this.engine.time.whileStreaming(async () => {
      const stream = Readable.from([await tarOf(volume.files, path.slice(mount.target.length + 1))]);
      void this.engine.time.whileStreaming(() => finished(stream).catch(() => {}));
      return stream;
    });
  }

  hasPath(ref: string, path: string): boolean {
    const { files } = this.workspaceOf(this.engine.need(ref));
    return [...files.keys()].some((file) => `${WORKSPACE}/${file}`.startsWith(`${path}/`));
  }

  // What people do behind the worker's back.

  async kill(container: FakeContainer): Promise<void> {
    await this.locked(container, async () => {
      if (container.state !== "running") return;
      container.stoppedByHand = true;
      this.emit(container, "kill");
      await this.end(container, 137);
    });
  }

  async removeByHand(container: FakeContainer): Promise<void> {
    container.removing = true;
    await this.locked(container, async () => {
      try {
        await this.drop(container);
      } catch (error) {
        container.removing = false;
        throw error;
      }
    });
  }

  setPaused(container: FakeContainer, paused: boolean): void {
    if (paused ? container.state !== "running" : container.state !== "paused") return;
    container.state = paused ? "paused" : "running";
    this.emit(container, paused ? "pause" : "unpause");
    if (container.plan.healthcheck) this.checkHealthLater(container);
    this.engine.observer.onChange();
  }

  disconnect(container: FakeContainer, network: string): void {
    if (!container.endpoints.delete(network)) return;
    this.engine.emit({ type: "network", action: "disconnect", id: network, name: network });
    this.engine.observer.onChange();
  }

  /** Everything ends without a word; what is to be kept running comes back. */
  restartAll(): FakeContainer[] {
    const back: FakeContainer[] = [];
    for (const container of this.engine.containers.values()) {
      container.removing = false;
      if (container.state === "removing") container.state = "dead";
      if (!isRunning(container) && container.state !== "restarting") continue;
      this.release(container);
      container.state = "exited";
      container.exitCode = 137;
      if (container.plan.restart !== "no" && !container.stoppedByHand) back.push(container);
    }
    this.engine.observer.onChange();
    return back;
  }

  async comeBack(container: FakeContainer): Promise<void> {
    await this.locked(container, async () => {
      if (container.state !== "exited" || container.stoppedByHand || container.gone) return;
      await this.run(container).catch(() => {});
    });
  }

  private touch(what: string, container: FakeContainer): void {
    this.engine.observer.onTouch(`${what} the container ${container.name}`, container.labels);
  }

  private async locked<T>(container: FakeContainer, work: () => Promise<T>): Promise<T> {
    const mine = container.lock.then(async () => {
      if (container.gone) throw fault("not_found", `No such container: ${container.name}`);
      return await work();
    });
    container.lock = mine.catch(() => {});
    return await mine;
  }

  private async run(container: FakeContainer): Promise<void> {
    const { engine } = this;
    for (const [name, endpoint] of container.endpoints) {
      const network = endpoint.networkId
        ? engine.networks.get(endpoint.networkId)
        : engine.networkNamed(name);
      if (!network) throw fault("not_found", `network ${endpoint.networkId} not found`);
      engine.observer.onTouch(`run on the network ${network.name}`, network.labels);
      endpoint.networkId = network.id;
      endpoint.address = engine.freeAddress(network);
    }
    try {
      await engine.work(80, 400);
    } catch (error) {
      this.release(container);
      throw error;
    }
    engine.observer.onStart(container);
    container.state = "running";
    container.exitCode = null;
    container.health = container.plan.healthcheck ? "starting" : "none";
    container.startedAt = engine.time.ms;
    container.ranAt = { startedAt: engine.time.wall(), finishedAt: null };
    container.run += 1;
    this.emit(container, "start");
    this.live(container);
    engine.observer.onChange();
  }

  private live(container: FakeContainer): void {
    const { time } = this.engine;
    const { run } = container;
    const { listensAfterMs, ends } = this.behaviourOf(container);
    const still = (callback: () => void) => () => {
      if (container.run === run && isRunning(container)) callback();
    };
    time.after(
      listensAfterMs,
      still(() => {
        container.listening = true;
        // Into its workspace, or what a database keeps its data in.
        for (const name of mounts(container.plan)) {
          const volume = this.engine.volumes.get(name);
          if (!volume) continue;
          volume.writes += 1;
          volume.files.set("written", String(volume.writes));
        }
      }),
    );
    if (ends) {
      time.after(
        ends.afterMs,
        still(() => void this.locked(container, () => this.end(container, ends.exitCode)).catch(() => {})),
      );
    }
    if (container.plan.healthcheck) this.checkHealthLater(container);
  }

  /** A paused container is unhealthy to Docker, and stays so until the next check after it goes on. */
  private checkHealthLater(container: FakeContainer): void {
    const { run } = container;
    this.engine.time.after(HEALTH_INTERVAL_MS, () => {
      if (container.run !== run || !isRunning(container)) return;
      const health = container.listening && container.state === "running" ? "healthy" : "unhealthy";
      const patient =
        health === "unhealthy" && this.engine.time.ms - container.startedAt < 4 * HEALTH_INTERVAL_MS;
      if (!(patient && container.state === "running") && health !== container.health) {
        container.health = health;
        this.emit(container, `health_status: ${health}`);
      }
      if (health === "unhealthy" && container.state === "running") this.checkHealthLater(container);
    });
  }

  /** In its lock: `die` comes first, and lists show it a little later. */
  private async end(container: FakeContainer, exitCode: number): Promise<void> {
    if (!isRunning(container)) return;
    const ranMs = this.engine.time.ms - container.startedAt;
    this.release(container);
    container.exitCode = exitCode;
    this.emit(container, "die", exitCode);
    await this.engine.work(2, 60);
    container.state = "exited";
    this.engine.observer.onChange();
    if (container.plan.restart === "no" || container.stoppedByHand || container.removing) return;
    container.backoffMs =
      ranMs > STEADY_MS ? FIRST_BACKOFF_MS : Math.min(container.backoffMs * 2, LONGEST_BACKOFF_MS);
    container.state = "restarting";
    const { run } = container;
    this.engine.time.after(container.backoffMs, () => {
      if (container.run !== run || container.state !== "restarting") return;
      const again = async () => {
        if (container.run !== run || container.state !== "restarting") return;
        container.state = "exited";
        await this.run(container);
      };
      void this.locked(container, again).catch(() => {});
    });
  }

  private async drop(container: FakeContainer): Promise<void> {
    if (isRunning(container)) {
      container.stoppedByHand = true;
      this.emit(container, "kill");
      await this.end(container, 137);
    }
    container.state = "removing";
    await this.engine.work(5, 60);
    container.gone = true;
    container.run += 1;
    this.engine.containers.delete(container.id);
    this.emit(container, "destroy");
    this.engine.observer.onChange();
  }

  private release(container: FakeContainer): void {
    container.run += 1;
    container.listening = false;
    if (container.ranAt) container.ranAt.finishedAt ??= this.engine.time.wall();
    for (const endpoint of container.endpoints.values()) endpoint.address = null;
  }

  private emit(container: FakeContainer, action: string, exitCode: number | null = null): void {
    const { id, name, labels } = container;
    const event: EngineEvent = { type: "container", action, id, name, labels, exitCode };
    this.engine.emit(event);
  }

  private workspaceOf(container: FakeContainer): FakeVolume {
    const mount = container.plan.mounts.find(({ target }) => target === WORKSPACE);
    const volume = mount && this.engine.volumes.get(mount.volume);
    if (!volume) throw fault("not_found", `${container.name} mounts no workspace`);
    return volume;
  }
}

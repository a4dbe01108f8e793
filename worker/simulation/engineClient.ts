import type { Readable } from "node:stream";
import { LABELS } from "../../core/labels.ts";
import { CHANGE_DEADLINE_MS, PULL_SILENCE_MS, READ_DEADLINE_MS } from "../engine/deadline.ts";
import {
  nameOf,
  refOf,
  type Engine,
  type EngineContainer,
  type EngineEvent,
  type EngineListener,
  type EngineWatch,
  type Named,
  type Owned,
} from "../engine/engine.ts";
import { isRunning } from "./engineObjects.ts";
import { fault, mounts, type FakeEngine } from "./fakeEngine.ts";
import type { FakeContainers } from "./fakeContainers.ts";
import { volumesOf } from "./imageCatalog.ts";
import type { Faults } from "./faults.ts";
import type { Line } from "./line.ts";

/** One process's connection to the fake engine: every call goes over a line that may fail. */
export class EngineClient implements Engine {
  constructor(
    private readonly engine: FakeEngine,
    private readonly containers: FakeContainers,
    private readonly line: Line,
    private readonly faults: Faults,
    private readonly isAlive: () => boolean,
  ) {}

  listContainers(...[owned]: Parameters<Engine["listContainers"]>) {
    return this.read("list containers", async () => {
      const found = this.listed(this.engine.containers, owned);
      this.look("containers", owned, found);
      return found.map((container): EngineContainer => {
        const { id, name, image, labels, state, health, exitCode, endpoints } = container;
        const networks: Record<string, string | null> = {};
        const networkIds: Record<string, string> = {};
        for (const [network, { address, networkId }] of endpoints) {
          networks[network] = address;
          if (networkId !== null) networkIds[network] = networkId;
        }
        const ended = state === "exited" || state === "dead" || state === "restarting";
        const seen = isRunning(container) ? health : "none";
        const volumes = mounts(container.plan);
        return {
          ...{ id, name, image, labels, state, networks, networkIds, volumes },
          health: seen,
          exitCode: ended ? exitCode : null,
        };
      });
    });
  }

  listNetworks(...[owned]: Parameters<Engine["listNetworks"]>) {
    return this.read("list networks", async () => {
      const found = this.listed(this.engine.networks, owned);
      this.look("networks", owned, found);
      return found.map((network) => ({ ...network }));
    });
  }

  listVolumes(...[owned]: Parameters<Engine["listVolumes"]>) {
    return this.read("list volumes", async () => {
      const found = this.listed(this.engine.volumes, owned);
      this.look("volumes", owned, found);
      return found.map(({ name, labels }) => ({ name, labels }));
    });
  }

  findVolume(name: string) {
    return this.read(`look for the volume ${name}`, async () => {
      const found = this.engine.volumes.get(name);
      return found ? { name, labels: found.labels } : null;
    });
  }

  async changeDone(container: string) {
    await this.read(`look at ${container}`, () => this.containers.changeDone(container));
  }

  lastRun(container: string) {
    return this.read(`look at the last run of ${container}`, async () => {
      const found = this.engine.find(container);
      return found ? this.containers.lastRun(found) : null;
    });
  }

  hasImage(image: string) {
    return this.read(`look for the image ${image}`, async () => this.engine.images.has(image));
  }

  imageVolumes(image: string) {
    return this.read(`look at the image ${image}`, async () =>
      this.engine.images.has(image) ? volumesOf(image) : null,
    );
  }

  async pullImage(image: string) {
    await this.line.call(`pull ${image}`, PULL_SILENCE_MS, () => this.engine.pullImage(image));
  }

  createNetwork(...[network]: Parameters<Engine["createNetwork"]>) {
    return this.change(`create the network ${network.name}`, () =>
      this.engine.createNetwork(network, this.isAlive),
    );
  }

  removeNetwork(id: string) {
    return this.change(`remove the network ${id}`, () => this.engine.removeNetwork(id));
  }

  async createVolume(...[volume]: Parameters<Engine["createVolume"]>) {
    await this.change(`create the volume ${volume.name}`, async () => {
      const { labels } = await this.engine.createVolume(volume);
      if (labels[LABELS.instance] !== volume.labels[LABELS.instance])
        throw fault("name_taken", `a volume ${volume.name} is there, which is not Slipway's`);
      if (labels[LABELS.filling] !== volume.labels[LABELS.filling])
        throw fault("name_taken", `a volume ${volume.name} was made meanwhile`);
    });
  }

  growVolume(name: string, sizeBytes: number) {
    return this.change(`grow the volume ${name}`, () => this.engine.growVolume(name, sizeBytes));
  }

  removeVolume(name: string) {
    return this.change(`remove the volume ${name}`, () => this.engine.removeVolume(name));
  }

  createContainer(...[container]: Parameters<Engine["createContainer"]>) {
    return this.change(`create ${container.name}`, () => this.containers.create(container));
  }

  connectNetwork(network: string, container: Named) {
    return this.change(`connect ${nameOf(container)} to ${network}`, () =>
      this.containers.connect(network, refOf(container)),
    );
  }

  disconnectNetwork(network: string, container: Named) {
    return this.change(`disconnect ${nameOf(container)} from ${network}`, () =>
      this.containers.leave(network, refOf(container)),
    );
  }

  startContainer(container: Named) {
    return this.change(`start ${nameOf(container)}`, () => this.containers.start(refOf(container)));
  }

  pauseContainer(container: Named) {
    return this.change(`pause ${nameOf(container)}`, () => this.containers.pause(refOf(container)));
  }

  unpauseContainer(container: Named) {
    return this.change(`unpause ${nameOf(container)}`, () => this.containers.unpause(refOf(container)));
  }

  stopContainer(container: Named, graceMs: number) {
    return this.change(`stop ${nameOf(container)}`, () => this.containers.stop(refOf(container), graceMs));
  }

  removeContainer(container: Named) {
    return this.change(`remove ${nameOf(container)}`, () => this.containers.remove(refOf(container)));
  }

  async putArchive(container: Named, _path: string, tar: Readable | Buffer) {
    try {
      await this.change(`fill by ${nameOf(container)}`, () =>
        this.containers.put(refOf(container), tar, () => !this.isAlive()),
      );
    } finally {
      if (!Buffer.isBuffer(tar)) tar.destroy();
    }
  }

  getArchive(container: Named, path: string) {
    return this.change(`copy out of ${nameOf(container)}`, () => this.containers.get(refOf(container), path));
  }

  hasPath(container: Named, path: string) {
    return this.read(`look for ${path} in ${nameOf(container)}`, async () =>
      this.containers.hasPath(refOf(container), path),
    );
  }

  tailLogs(container: string) {
    return this.read(`read the log of ${container}`, async () => {
      this.engine.need(container);
      return "the last line";
    });
  }

  readLogs() {
    return this.read("read logs", async () => []);
  }

  watch(listener: EngineListener): EngineWatch {
    const { engine, faults } = this;
    let session = 0;
    let lastAt = 0;
    const receive = (event: EngineEvent) => {
      const mine = session;
      for (const delayMs of faults.eventDelays()) {
        // Late ones are overtaken; the others keep their order.
        const at =
          delayMs < 40 ? (lastAt = Math.max(lastAt, engine.time.ms + delayMs)) : engine.time.ms + delayMs;
        engine.time.after(at - engine.time.ms, () => {
          if (session === mine && this.isAlive()) listener.onEvent(event);
        });
      }
    };
    const connect = () => {
      if (!this.isAlive() || session < 0) return;
      if (!engine.up) return void engine.time.after(1_000, connect);
      session += 1;
      const mine = session;
      engine.watchers.add(receive);
      const lost = () => {
        if (session !== mine) return;
        session += 1;
        engine.watchers.delete(receive);
        this.streams.delete(lost);
        if (!this.isAlive()) return;
        listener.onLost(fault("unreachable", "the event stream ended"));
        engine.time.after(200, connect);
      };
      this.streams.add(lost);
      listener.onConnected();
    };
    engine.time.after(faults.eventDelays()[0]!, connect);
    return {
      close: () => {
        session = -1;
        engine.watchers.delete(receive);
      },
    };
  }

  /** Ends the event streams that are open: what happens until they are open again is never told. */
  readonly streams = new Set<() => void>();

  private listed<T extends { labels: Record<string, string> }>(
    objects: ReadonlyMap<string, T>,
    { instanceId, namespace }: Owned,
  ): T[] {
    const found: T[] = [];
    for (const object of objects.values()) {
      const { labels } = object;
      if (labels[LABELS.instance] !== instanceId) continue;
      if (namespace === undefined || labels[LABELS.namespace] === namespace) found.push(object);
    }
    return found;
  }

  private look(kind: string, owned: Owned, found: { labels: Record<string, string> }[]): void {
    if (owned.namespace !== undefined) return;
    this.engine.observer.onListed(kind, new Set(found.map(({ labels }) => labels[LABELS.namespace] ?? "")));
  }

  private read<T>(what: string, effect: () => Promise<T>): Promise<T> {
    return this.line.call(what, READ_DEADLINE_MS, effect);
  }

  private change<T>(what: string, effect: () => Promise<T>): Promise<T> {
    return this.line.call(what, CHANGE_DEADLINE_MS, effect);
  }
}

import type { RenderedNetwork } from "../../core/render/rendered.ts";
import { overlaps, parseCidr } from "../../core/subnets.ts";
import type { ContainerPlan, EngineEvent } from "../engine/engine.ts";
import { EngineError, type EngineFault } from "../engine/engineError.ts";
import type { FakeContainer, FakeNetwork, FakeVolume } from "./engineObjects.ts";
import type { Random } from "./random.ts";
import type { VirtualTime } from "./virtualTime.ts";

/** What the rest of the simulation learns from the engine while it happens. */
export type EngineObserver = {
  /** Before anything is done to an object on behalf of a worker. */
  onTouch(what: string, labels: Record<string, string>): void;
  onStart(container: FakeContainer): void;
  onVolumeRemoved(volume: FakeVolume): void;
  onRemoved(kind: "container" | "network" | "volume", name: string, labels: Record<string, string>): void;
  /** A network was made for a worker that was dead by then. */
  onLate(networkId: string): void;
  onFilled(volume: FakeVolume, container: FakeContainer, files: readonly (readonly [string, string])[]): void;
  /** A worker looked at everything of one kind, and saw these namespaces. */
  onListed(kind: string, namespaces: ReadonlySet<string>): void;
  /** Addresses, routes or states may be others than before. */
  onChange(): void;
};

/**
 * Docker in memory: names unique for containers and not for networks, subnets that must not overlap, networks and
 * volumes in use that stay, containers that remember which network they ran on. What containers do is in
 * `fakeContainers.ts`. Its calls take effect when they are made; the way there and back is `Line`'s.
 */
export class FakeEngine {
  up = true;
  /** Rises with every restart: what was going on then ends in nothing. */
  epoch = 0;
  readonly containers = new Map<string, FakeContainer>();
  readonly networks = new Map<string, FakeNetwork>();
  readonly volumes = new Map<string, FakeVolume>();
  readonly images = new Set<string>();
  /** What can be pulled. */
  readonly registry = new Set<string>();
  readonly watchers = new Set<(event: EngineEvent) => void>();
  private ids = 0;

  constructor(
    readonly time: VirtualTime,
    readonly random: Random,
    readonly observer: EngineObserver,
  ) {}

  id(): string {
    this.ids += 1;
    return this.ids.toString(16).padStart(12, "0");
  }

  emit(event: Partial<EngineEvent> & Pick<EngineEvent, "type" | "action" | "id" | "name">): void {
    for (const watcher of this.watchers) watcher({ labels: {}, exitCode: null, ...event });
  }

  /** Lets time pass in the middle of a call; a restart of the engine in it ends the call. */
  async work(leastMs: number, mostMs: number): Promise<void> {
    const { epoch } = this;
    await this.time.pause(this.random.between(leastMs, mostMs));
    if (epoch !== this.epoch) throw fault("unreachable", "the engine was restarted");
  }

  async pullImage(image: string): Promise<void> {
    await this.work(500, 8_000);
    if (!this.registry.has(image)) throw fault("pull_refused", `pull access denied for ${image}`);
    this.addImage(image);
  }

  addImage(image: string): void {
    this.images.add(image);
    this.emit({ type: "image", action: "tag", id: image, name: image });
  }

  /** @param isAsked whether somebody waits for it still */
  async createNetwork(network: RenderedNetwork, isAsked: () => boolean): Promise<"created" | "exists"> {
    await this.work(5, 40);
    if ([...this.networks.values()].some(({ name }) => name === network.name)) return "exists";
    // Docker looks for the name first and makes the network later: two at once are two networks.
    await this.work(5, 80);
    const { id } = this.addNetwork(network);
    if (!isAsked()) this.observer.onLate(id);
    return "created";
  }

  addNetwork({
    name,
    labels,
    internal,
    subnet,
  }: Pick<FakeNetwork, "name" | "labels" | "internal" | "subnet">) {
    if (subnet) {
      const block = parseCidr(subnet);
      const other = [...this.networks.values()].find(
        (network) => network.subnet && overlaps(parseCidr(network.subnet), block),
      );
      if (other) throw fault("subnet_taken", `Pool overlaps with ${other.name}`);
    }
    const network: FakeNetwork = { id: this.id(), name, labels, internal, subnet };
    this.networks.set(network.id, network);
    this.emit({ type: "network", action: "create", id: network.id, name });
    return network;
  }

  async removeNetwork(id: string): Promise<"removed" | "absent"> {
    const network = this.networks.get(id);
    if (!network) return "absent";
    this.observer.onTouch(`remove the network ${network.name}`, network.labels);
    await this.work(5, 120);
    if (!this.networks.has(id)) return "absent";
    if (this.activeOn(network).length > 0) throw fault("in_use", `${network.name} has active endpoints`);
    this.dropNetwork(network);
    this.observer.onRemoved("network", network.name, network.labels);
    return "removed";
  }

  dropNetwork(network: FakeNetwork): void {
    this.networks.delete(network.id);
    this.emit({ type: "network", action: "destroy", id: network.id, name: network.name });
  }

  /** Containers that run and are on `network`. */
  activeOn(network: FakeNetwork): FakeContainer[] {
    return [...this.containers.values()].filter(
      (container) =>
        container.endpoints.get(network.name)?.networkId === network.id &&
        container.endpoints.get(network.name)?.address !== null,
    );
  }

  /** @returns the volume of that name, its own labels and all, whether it was there before or not */
  async createVolume({
    name,
    labels,
  }: {
    name: string;
    labels: Record<string, string>;
  }): Promise<FakeVolume> {
    await this.work(1, 10);
    const known = this.volumes.get(name);
    if (known) return known;
    return this.addVolume(name, labels);
  }

  addVolume(name: string, labels: Record<string, string>): FakeVolume {
    const volume: FakeVolume = { name, labels, files: new Map(), writes: 0, putters: new Set() };
    this.volumes.set(name, volume);
    return volume;
  }

  /** This machine has no disks of a hard size: volumes have none to begin with. */
  async growVolume(name: string, _sizeBytes: number): Promise<"unchanged"> {
    const volume = this.volumes.get(name);
    if (!volume) throw fault("not_found", `no such volume: ${name}`);
    this.observer.onTouch(`grow the volume ${name}`, volume.labels);
    return "unchanged";
  }

  async removeVolume(name: string): Promise<"removed" | "absent"> {
    const volume = this.volumes.get(name);
    if (!volume) return "absent";
    this.observer.onTouch(`remove the volume ${name}`, volume.labels);
    await this.work(1, 20);
    if (this.volumes.get(name) !== volume) return "absent";
    if ([...this.containers.values()].some(({ plan }) => mounts(plan).includes(name))) {
      throw fault("in_use", `${name}: volume is in use`);
    }
    this.observer.onVolumeRemoved(volume);
    this.volumes.delete(name);
    this.observer.onRemoved("volume", name, volume.labels);
    return "removed";
  }

  /** By name or id, as Docker finds it. */
  find(ref: string): FakeContainer | undefined {
    const known = this.containers.get(ref);
    if (known) return known;
    for (const container of this.containers.values()) if (container.name === ref) return container;
    return undefined;
  }

  need(ref: string): FakeContainer {
    const container = this.find(ref);
    if (!container) throw fault("not_found", `No such container: ${ref}`);
    return container;
  }

  /** @throws where there is none of that name, or more than one */
  networkNamed(name: string): FakeNetwork {
    const found = [...this.networks.values()].filter((network) => network.name === name);
    if (found.length > 1) throw fault("refused", `network ${name} is ambiguous`);
    if (!found[0]) throw fault("not_found", `network ${name} not found`);
    return found[0];
  }

  /** The lowest address of the network that nobody has: those given back are soon somebody else's. */
  freeAddress(network: FakeNetwork): string {
    const used = new Set<string | null>();
    for (const { endpoints } of this.containers.values()) {
      const endpoint = endpoints.get(network.name);
      if (endpoint?.networkId === network.id) used.add(endpoint.address);
    }
    const base = (network.subnet ?? "172.18.0.0/16").split("/")[0]!.split(".").map(Number);
    for (let last = 2; last < 62; last += 1) {
      const address = [base[0], base[1], base[2], base[3]! + last].join(".");
      if (!used.has(address)) return address;
    }
    throw fault("failed", `no address left in ${network.name}`);
  }
}

export function fault(kind: EngineFault, message: string): EngineError {
  return new EngineError(kind, `Docker: ${message}`);
}

export function mounts(plan: ContainerPlan): string[] {
  return plan.mounts.map(({ volume }) => volume);
}

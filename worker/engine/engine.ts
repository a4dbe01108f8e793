import type { Readable } from "node:stream";
import type { LogLine } from "./logFrames.ts";
import type { RenderedNetwork, RenderedService, RenderedVolume } from "../../core/render/rendered.ts";

/**
 * What the worker asks of a Docker engine, in the worker's words. `dockerEngine.ts` is the real one; another exists only
 * to inject faults in simulation. Every call settles within its deadline, and a failure is an `EngineError`.
 *
 * Outcomes that are no failure are named: what was to be made is there (`exists`), what was to be gone is gone
 * (`absent`), what was to change had changed already (`unchanged`).
 */
export interface Engine {
  listContainers(owned: Owned): Promise<EngineContainer[]>;
  listNetworks(owned: Owned): Promise<EngineNetwork[]>;
  listVolumes(owned: Owned): Promise<EngineVolume[]>;

  /**
   * Waits until Docker is done with a change that it has announced: a container's `die` comes before lists show that it
   * ended, and no event comes after.
   */
  changeDone(container: string): Promise<void>;

  /** When a container ran last, and how that ended; null where it never ran or is not there. */
  lastRun(container: string): Promise<ContainerRun | null>;

  /** Null: there is no volume of that name, whoever's it is. Its size is not looked for. */
  findVolume(name: string): Promise<EngineVolume | null>;

  hasImage(image: string): Promise<boolean>;
  /** The paths that an image declares as volumes; null: there is no such image here. */
  imageVolumes(image: string): Promise<string[] | null>;
  /** Bounded by silence, not by time: a pull may take long, as long as it goes on. */
  pullImage(image: string): Promise<void>;

  createNetwork(network: RenderedNetwork): Promise<"created" | "exists">;
  removeNetwork(name: string): Promise<"removed" | "absent">;

  /**
   * Fails as `name_taken` where another volume has the name, somebody else's or one that is filled as another: Docker
   * would give that one. With a hard size where the host has disks for it (worker/disks); elsewhere `sizeBytes` is only
   * watched.
   */
  createVolume(volume: Pick<RenderedVolume, "name" | "labels" | "sizeBytes">): Promise<void>;
  /** Makes a volume of a hard size larger; no container may use it. */
  growVolume(name: string, sizeBytes: number): Promise<"grown" | "unchanged">;
  removeVolume(name: string): Promise<"removed" | "absent">;

  /** Makes a container and does not start it; it is on the first of its networks only. */
  createContainer(container: ContainerPlan): Promise<{ id: string }>;
  connectNetwork(network: string, container: Named, aliases: string[]): Promise<"connected" | "unchanged">;
  disconnectNetwork(network: string, container: Named): Promise<"disconnected" | "unchanged">;
  startContainer(container: Named): Promise<"started" | "unchanged">;
  pauseContainer(container: Named): Promise<"paused" | "unchanged">;
  unpauseContainer(container: Named): Promise<"unpaused" | "unchanged">;
  stopContainer(container: Named, graceMs: number): Promise<"stopped" | "unchanged" | "absent">;
  /** Ends it if it runs, and takes its anonymous volumes along. */
  removeContainer(container: Named): Promise<"removed" | "absent">;

  /**
   * Unpacks a tar below `path`; works on a container that never ran, and reaches into its volumes. A stream is bounded
   * by silence, not by time, both ways.
   */
  putArchive(container: Named, path: string, tar: Readable | Buffer): Promise<void>;
  getArchive(container: Named, path: string): Promise<Readable>;
  /** Whether a container, or a volume that it mounts, has that path; works on one that never ran. */
  hasPath(container: Named, path: string): Promise<boolean>;
  /** The last lines that a container wrote, oldest first. */
  tailLogs(container: string, lines: number): Promise<string>;
  /** The last lines, at most `lines`, that were written at `sinceMs` (since 1970) or later, oldest first. */
  readLogs(container: string, sinceMs: number, lines: number): Promise<LogLine[]>;

  /** Follows what happens to containers, networks and volumes, over lost connections, until it is closed. */
  watch(listener: EngineListener): EngineWatch;
}

/** Selects by label what one instance owns, of one namespace or of all. */
export type Owned = { instanceId: string; namespace?: string };

export type ContainerState = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

export type ContainerHealth = "healthy" | "unhealthy" | "starting" | "none";

export type EngineContainer = {
  id: string;
  name: string;
  image: string;
  labels: Record<string, string>;
  state: ContainerState;
  health: ContainerHealth;
  /** Of the last run; null while there was none, or it goes on. */
  exitCode: number | null;
  /** Network name → IPv4 address there; null while the container does not run. */
  networks: Record<string, string | null>;
  /** Names of the volumes that it mounts; not given: it is not known. */
  volumes?: string[];
  /**
   * Network name → id of the network that it last ran on. A container that stands still stays bound to that one even if
   * it is gone and another has its name.
   */
  networkIds?: Record<string, string>;
};

/** A container by its name; with its id, another one that has the name by now is left alone. */
export type Named = string | { name: string; id: string };

export function nameOf(container: Named): string {
  return typeof container === "string" ? container : container.name;
}

/** By what Docker is asked for it. */
export function refOf(container: Named): string {
  return typeof container === "string" ? container : container.id;
}

export type EngineNetwork = {
  id: string;
  name: string;
  labels: Record<string, string>;
  internal: boolean;
  subnet: string | null;
};

export type EngineVolume = {
  name: string;
  labels: Record<string, string>;
  /** Its hard size; null, or left out, where it has none. */
  sizeBytes?: number | null;
};

export type ContainerRun = {
  /** ms since 1970, by the engine's own clock. */
  startedAt: number;
  /** Null while it goes on. */
  finishedAt: number | null;
  exitCode: number | null;
  /** Whether the kernel ended a process of it for want of memory. */
  outOfMemory: boolean;
};

/** A container as it is to be made. */
export type ContainerPlan = Pick<
  RenderedService,
  | "image"
  | "entrypoint"
  | "command"
  | "user"
  | "workingDir"
  | "environment"
  | "labels"
  | "networks"
  | "mounts"
  | "dns"
  | "tmpfs"
  | "readOnly"
  | "init"
  | "capDrop"
  | "securityOptions"
  | "memoryBytes"
  | "memorySwapBytes"
  | "cpus"
  | "pids"
  | "stopGraceMs"
  | "restart"
  | "healthcheck"
  | "logging"
> & {
  name: string;
  /** Of volumes that it mounts and that are gone: Docker makes them again, and nobody would know whose they are. */
  volumeLabels?: Record<string, string>;
  /** What variables that stand as ••• are made of; `reveal.ts` puts the values in. */
  hidden?: RenderedService["hidden"];
  /** Null: what the image says, or SIGTERM. */
  stopSignal?: string | null;
};

export type EngineEvent = {
  type: "container" | "network" | "volume" | "image";
  /** Docker's word, like `die`, `start`, `destroy`, `health_status: healthy`. */
  action: string;
  /** Container id; network or volume name. */
  id: string;
  /** Name of the container, network, volume or image. */
  name: string;
  /** Labels of a container; Docker gives none for networks and volumes. */
  labels: Record<string, string>;
  /** Of a `die`. */
  exitCode: number | null;
};

export type EngineListener = {
  onEvent(event: EngineEvent): void;
  /** Events may have been missed: whoever follows has to look for itself. Also called at the first connection. */
  onConnected(): void;
  onLost(error: unknown): void;
};

export type EngineWatch = { close(): void };

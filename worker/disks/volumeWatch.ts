import { formatSize } from "../../core/units.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** Milliseconds between two measurements, at least. */
const EVERY_MS = 15_000;
/** Of the time, measuring takes at most one part in so many. */
const REST = 20;
/** Volumes that are measured at once: each is a mount of one container. */
const BATCH = 100;

export type WatchedVolume = {
  name: string;
  limitBytes: number;
  /** Names of the containers that write to it. */
  containers: string[];
};

export type VolumeWatchOptions = {
  /** Bytes that each of these volumes holds; those that are gone are left out. */
  measure: (volumes: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  clock: Clock;
  log: Log;
  /** Why volumes cannot have a hard size here, as part of a sentence. */
  why: string;
};

/**
 * Where volumes cannot have a hard size: measures them now and then, and says which containers must not run because what
 * they write to is over its size. They may run again as soon as it fits.
 */
export class VolumeWatch {
  readonly why: string;
  private readonly options: VolumeWatchOptions;
  private readonly followed = new Map<string, WatchedVolume[]>();
  /** What the volumes that are over their size hold. */
  private readonly over = new Map<string, number>();
  private measured: ReadonlyMap<string, number> = new Map();

  constructor(options: VolumeWatchOptions) {
    this.options = options;
    this.why = options.why;
  }

  /** What a project's running environments write to; replaces what was said of it before. */
  follow(namespace: string, volumes: WatchedVolume[]): void {
    if (volumes.length > 0) this.followed.set(namespace, volumes);
    else this.followed.delete(namespace);
  }

  /** The containers of a project that must not run, by name, and why. */
  held(namespace: string): Map<string, string> {
    return new Map(
      (this.followed.get(namespace) ?? []).flatMap(({ name, limitBytes, containers }) => {
        const bytes = this.over.get(name);
        if (bytes === undefined || bytes <= limitBytes) return [];
        const reason = `its volume holds ${formatSize(bytes)} and may hold ${formatSize(limitBytes)}`;
        return containers.map((container) => [container, reason] as const);
      }),
    );
  }

  /** What a volume held when it was measured last; null where it was not. */
  bytesOf(volume: string): number | null {
    return this.measured.get(volume) ?? null;
  }

  /** Measures now and then, until it is ended. @param onChange told of projects whose `held` may be another now */
  start(onChange: (namespace: string) => void): () => void {
    const { clock, log } = this.options;
    let cancel = () => {};
    let ended = false;
    const look = async () => {
      const startedAt = clock.now();
      try {
        for (const namespace of await this.look()) onChange(namespace);
      } catch (error) {
        log("volume-watch-failed", { error });
      }
      if (!ended) next(Math.max(EVERY_MS, REST * (clock.now() - startedAt)));
    };
    const next = (delayMs: number) => (cancel = clock.after(delayMs, () => void look()));
    next(EVERY_MS);
    return () => {
      ended = true;
      cancel();
    };
  }

  /** Measures everything that is followed. @returns the projects of which a volume went over its size, or fits again */
  async look(): Promise<Set<string>> {
    const volumes = [...this.followed].flatMap(([namespace, watched]) =>
      watched.map(({ name, limitBytes }) => ({ namespace, name, limitBytes })),
    );
    for (const name of this.over.keys()) {
      if (!volumes.some((volume) => volume.name === name)) this.over.delete(name);
    }
    const changed = new Set<string>();
    const measured = new Map<string, number>();
    for (let from = 0; from < volumes.length; from += BATCH) {
      const batch = volumes.slice(from, from + BATCH);
      const held = await this.options.measure(batch.map(({ name }) => name));
      for (const { namespace, name, limitBytes } of batch) {
        const bytes = held.get(name);
        if (bytes === undefined) continue;
        measured.set(name, bytes);
        const was = this.over.has(name);
        if (bytes > limitBytes) this.over.set(name, bytes);
        else this.over.delete(name);
        if (was !== this.over.has(name)) changed.add(namespace);
      }
    }
    this.measured = measured;
    return changed;
  }
}

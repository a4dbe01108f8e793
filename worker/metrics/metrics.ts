import type { Clock } from "../clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import { KnownFacts, type ContainerConfig, type KernelRoots } from "./containerFacts.ts";
import { countersOfStats } from "./engineStats.ts";
import { Outbox, type MetricsStore } from "./outbox.ts";
import { RunningContainers } from "./runningContainers.ts";
import { Sampler } from "./sampler.ts";
import { seriesOf, type DiskBytesOf } from "./series.ts";
import { Watched } from "./watched.ts";

export type WatchedRow = { projectId: string; until: number };

export type MetricsEngine = Pick<Engine, "listContainers" | "watch"> & {
  /** What does not change while a container is there; null: there is none. */
  configOf(container: string): Promise<ContainerConfig | null>;
  /** What Docker's API answers of a container's use, at once. */
  stats(container: string): Promise<unknown>;
};

export type MetricsContext = {
  engine: MetricsEngine;
  store: MetricsStore & {
    watchWatched(onRows: (rows: WatchedRow[]) => void, onError: (error: unknown) => void): () => void;
  };
  diskBytesOf: DiskBytesOf;
  instanceId: string;
  clock: Clock;
  log: Log;
  /** Other folders in tests. */
  roots?: KernelRoots;
};

const FINE_MS = 5_000;
/** All containers are looked at twice a minute: what they used is counted anyway, what they held is not. */
const ALL_MS = 30_000;
const MINUTE_MS = 60_000;

/**
 * Samples what the projects' containers use, and sends it to the control plane: every five seconds of those that
 * somebody watches, every minute of all.
 */
export class Metrics {
  private readonly running: RunningContainers;
  private readonly sampler: Sampler;
  private readonly outbox: Outbox;
  private readonly watched = new Watched();
  private readonly unsubscribe: () => void;
  private going: Promise<void> = Promise.resolve();
  private cancel = (): void => {};
  private lastAt = 0;
  private lastAll = -1;
  private minute: { number: number; since: number };
  private closed = false;

  constructor(private readonly context: MetricsContext) {
    const { engine, store, clock, log, roots } = context;
    const onError = (container: string, error: unknown) => log("metrics-not-read", { container, error });
    const configOf = (id: string) => engine.configOf(id);
    this.running = new RunningContainers(context);
    this.sampler = new Sampler({
      facts: new KnownFacts({ configOf, onError, roots }),
      statsOf: async (id, at) => countersOfStats(await engine.stats(id), at),
      ...{ onError, clock, roots },
    });
    this.outbox = new Outbox({ store, clock, log });
    this.minute = { number: Math.floor(clock.now() / MINUTE_MS), since: clock.elapsed() };
    this.unsubscribe = store.watchWatched(
      (rows) => this.watched.replace(rows),
      (error) => log("metrics-watched-failed", { error }),
    );
    this.next();
  }

  async stop(): Promise<void> {
    this.closed = true;
    this.cancel();
    this.unsubscribe();
    this.running.close();
    this.outbox.close();
    await this.going;
  }

  /** Settles when the look that is under way is done, and what it put out is sent or waits. */
  async settled(): Promise<void> {
    await this.going;
    await this.outbox.settled();
  }

  private next(): void {
    if (this.closed) return;
    const { clock, log } = this.context;
    const now = clock.now();
    // At whole multiples, so that points of all hosts are of the same moments; a timer may come a little early.
    let at = floorTo(now, FINE_MS) + FINE_MS;
    if (at === this.lastAt) at += FINE_MS;
    this.lastAt = at;
    this.cancel = clock.after(at - now, () => {
      this.going = this.look(Math.max(at, floorTo(clock.now(), FINE_MS)))
        .catch((error: unknown) => log("metrics-failed", { error }))
        .finally(() => this.next());
    });
  }

  private async look(at: number): Promise<void> {
    const { clock, diskBytesOf } = this.context;
    const all = Math.floor(at / ALL_MS);
    const isAll = all !== this.lastAll;
    this.lastAll = all;
    const isWatched = (projectId: string) => this.watched.has(projectId, at);
    const due = this.running.all().filter(({ subject }) => isAll || isWatched(subject.projectId));
    const measured = await this.sampler.look(due);
    const fine = measured.filter(({ subject }) => isWatched(subject.projectId));
    this.outbox.put("fine", seriesOf(fine, at, 0, diskBytesOf));
    const number = Math.floor(at / MINUTE_MS);
    if (number === this.minute.number) return;
    const seconds = (clock.elapsed() - this.minute.since) / 1000;
    this.minute = { number, since: clock.elapsed() };
    const used = this.sampler.takeUsed();
    this.outbox.put("minute", seriesOf(used, floorTo(at, MINUTE_MS), seconds, diskBytesOf));
    this.sampler.forget((id) => this.running.has(id));
  }
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}

import { SlipwayError } from "../../core/errors.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { EnvironmentSeries, Resolution } from "./series.ts";

export interface MetricsStore {
  /**
   * At most `MOST_ENVIRONMENTS`, and `MOST_SERIES` in all of them, at once. Sent again it changes nothing. Settles within a deadline, and what has not arrived by then never does.
   * @throws SlipwayError where it is refused; any error where nobody answers
   */
  appendMetrics(resolution: Resolution, environments: EnvironmentSeries[]): Promise<void>;
}

export const MOST_ENVIRONMENTS = 100;
export const MOST_SERIES = 1000;
/** Older ones are worth less than the memory and the time that it would take to bring them all later. */
const KEPT_MS: Record<Resolution, number> = { fine: 60_000, minute: 300_000 };
const AGAIN_MS = 5_000;

type Batch = { resolution: Resolution; environments: EnvironmentSeries[]; since: number };

export type OutboxContext = { store: MetricsStore; clock: Clock; log: Log };

/**
 * What was measured, on its way to the control plane, one batch after the other. While that is away, the last minutes are
 * kept and the oldest dropped. Nobody waits for it.
 */
export class Outbox {
  private batches: Batch[] = [];
  private going: Promise<void> | null = null;
  private cancel: (() => void) | null = null;
  private isAway = false;
  private closed = false;

  constructor(private readonly context: OutboxContext) {}

  put(resolution: Resolution, environments: readonly EnvironmentSeries[]): void {
    const since = this.context.clock.elapsed();
    for (const some of inBatches(environments)) this.batches.push({ resolution, environments: some, since });
    this.dropOld();
    if (this.cancel === null) this.send();
  }

  /** Settles once nothing is being sent. */
  async settled(): Promise<void> {
    await this.going;
  }

  /** What is not sent by now is lost. */
  close(): void {
    this.closed = true;
    this.batches = [];
    this.cancel?.();
  }

  get waiting(): number {
    return this.batches.length;
  }

  private send(): void {
    this.going ??= this.sendAll().finally(() => {
      this.going = null;
      // Put there when the last one had just gone.
      if (this.batches.length > 0 && this.cancel === null) this.send();
    });
  }

  private async sendAll(): Promise<void> {
    const { store, clock, log } = this.context;
    for (let batch = this.batches[0]; batch && !this.closed; batch = this.batches[0]) {
      try {
        await store.appendMetrics(batch.resolution, batch.environments);
        if (this.isAway) log("metrics-sent-again");
        this.isAway = false;
      } catch (error) {
        if (!isRefusal(error)) {
          // Once, not every few seconds for as long as it lasts.
          if (!this.isAway) log("metrics-not-sent", { error });
          this.isAway = true;
          this.cancel = clock.after(AGAIN_MS, () => {
            this.cancel = null;
            this.dropOld();
            this.send();
          });
          return;
        }
        log("metrics-refused", { resolution: batch.resolution, error });
      }
      this.batches = this.batches.filter((other) => other !== batch);
    }
  }

  private dropOld(): void {
    const now = this.context.clock.elapsed();
    this.batches = this.batches.filter(({ resolution, since }) => now - since <= KEPT_MS[resolution]);
  }
}

function inBatches(environments: readonly EnvironmentSeries[]): EnvironmentSeries[][] {
  const batches: EnvironmentSeries[][] = [];
  let room = 0;
  for (const environment of environments) {
    const last = batches.at(-1);
    if (last && last.length < MOST_ENVIRONMENTS && environment.series.length <= room) {
      last.push(environment);
    } else {
      batches.push([environment]);
      room = MOST_SERIES;
    }
    room -= environment.series.length;
  }
  return batches;
}

/** Whether it was understood and not wanted; sent again, it would be refused again. */
function isRefusal(error: unknown): boolean {
  return error instanceof SlipwayError && !["deadline", "unauthenticated"].includes(error.data.code);
}

import type { Clock } from "../clock.ts";
import type { Checks } from "../doctor/checksKeeper.ts";
import type { Log } from "../log.ts";
import type { HostDrift } from "./drift.ts";
import type { MachineUsage } from "./hostUsage.ts";
import type { HostError } from "./recentErrors.ts";

/** How many objects of this instance the engine has. */
export type OwnedCounts = { containers: number; networks: number; volumes: number };

/** Of each part the whole, and only of those that changed. */
export type HostReport = {
  usage?: MachineUsage & OwnedCounts;
  checks?: Checks;
  drift?: HostDrift;
  /** Newest first. */
  errors?: HostError[];
};

export interface HostStore {
  /** Settles within a deadline, and what has not arrived by then never does. */
  reportHost(report: HostReport): Promise<void>;
}

export type HostReporterContext = { store: HostStore; clock: Clock; log: Log };

/** What happens within this time is told together. */
const TOGETHER_MS = 2_000;
const AGAIN_MS = 10_000;

/**
 * Tells the control plane what is known of the host itself. Of what could not be told only the newest is kept; nobody
 * waits for it.
 */
export class HostReporter {
  private pending: HostReport = {};
  private cancel: (() => void) | null = null;
  private going: Promise<void> | null = null;
  private isAway = false;
  private closed = false;

  constructor(private readonly context: HostReporterContext) {}

  tell(report: HostReport): void {
    this.pending = { ...this.pending, ...report };
    this.later(TOGETHER_MS);
  }

  /** Tells at once what is to be told. */
  async flush(): Promise<void> {
    this.cancel?.();
    this.cancel = null;
    await this.going;
    await this.send();
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  private later(delayMs: number): void {
    if (this.cancel !== null || this.closed) return;
    this.cancel = this.context.clock.after(delayMs, () => {
      this.cancel = null;
      this.going ??= this.send().finally(() => {
        this.going = null;
        if (Object.keys(this.pending).length > 0) this.later(this.isAway ? AGAIN_MS : TOGETHER_MS);
      });
    });
  }

  private async send(): Promise<void> {
    const report = this.pending;
    if (Object.keys(report).length === 0) return;
    this.pending = {};
    try {
      await this.context.store.reportHost(report);
      this.isAway = false;
    } catch (error) {
      this.pending = { ...report, ...this.pending };
      // Once, not every few seconds for as long as it lasts; the error is one that will be told, too.
      if (!this.isAway) this.context.log("host-not-reported", { error });
      this.isAway = true;
    }
  }
}

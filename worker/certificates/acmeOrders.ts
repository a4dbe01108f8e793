import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { AcmeError } from "./acmeCalls.ts";
import type { AcmeIssuer } from "./acmeIssuer.ts";
import { afterFailure, afterSuccess } from "./acmeStep.ts";
import type { AcmeState, AcmeStore } from "./acmeStore.ts";

export type OrderOptions = {
  /** The directory's URL. */
  directory: string;
  issue: AcmeIssuer;
  store: AcmeStore;
  /** Whether any project has the domain now. */
  isWanted: (domain: string) => boolean;
  /** Something else is known of a domain. */
  onChange: () => void;
  clock: Clock;
  log: Log;
};

/** Asks a public authority for one domain after the other, beside everything else: it may take minutes. */
export class AcmeOrders {
  private readonly options: OrderOptions;
  private readonly asked = new Set<string>();
  /** What could not be written yet: an order that is forgotten would be made again with each look. */
  private readonly unwritten = new Map<string, AcmeState>();
  private readonly ending = new AbortController();
  private going: Promise<void> = Promise.resolve();

  constructor(options: OrderOptions) {
    this.options = options;
  }

  /** What is known of a domain. @throws where that cannot be read */
  async read(domain: string): Promise<AcmeState> {
    const state = this.unwritten.get(domain);
    if (!state) return await this.options.store.read(domain);
    await this.write(domain, state);
    return state;
  }

  async remove(domain: string): Promise<void> {
    this.unwritten.delete(domain);
    await this.options.store.remove(domain);
  }

  /** Once at a time for each domain. */
  ask(domain: string): void {
    if (this.asked.has(domain)) return;
    this.asked.add(domain);
    this.going = this.going.then(async () => {
      try {
        await this.order(domain);
      } catch (error) {
        this.options.log("acme-failed", { domain, error });
      } finally {
        this.asked.delete(domain);
      }
    });
  }

  /** Waits for all orders. */
  async settled(): Promise<void> {
    await this.going;
  }

  /** Ends what is under way; its outcome counts for nothing. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.going;
  }

  private async order(domain: string): Promise<void> {
    const { issue, directory, isWanted, onChange, clock, log } = this.options;
    if (this.ending.signal.aborted || !isWanted(domain)) return;
    const before = await this.read(domain);
    let after: AcmeState;
    try {
      after = afterSuccess(await issue(domain, this.ending.signal), directory);
    } catch (error) {
      if (this.ending.signal.aborted) return;
      const { kind, notBefore } = error instanceof AcmeError ? error : { kind: "unknown", notBefore: null };
      const message = error instanceof Error ? error.message : String(error);
      const failure = { kind, message, notBefore };
      after = afterFailure(before, { domain, directory, now: clock.now() }, failure);
      const retryAt = new Date(after.retryAt ?? 0).toISOString();
      log("acme-failed", { domain, failures: after.failures, retryAt, error });
    }
    // Nobody's any more: its key is not to stay.
    if (!isWanted(domain)) return;
    await this.write(domain, after);
    onChange();
  }

  private async write(domain: string, state: AcmeState): Promise<void> {
    const isNew = this.unwritten.get(domain) !== state;
    this.unwritten.set(domain, state);
    try {
      await this.options.store.write(domain, state);
      this.unwritten.delete(domain);
    } catch (error) {
      if (isNew) this.options.log("acme-state-unwritten", { domain, error });
    }
  }
}

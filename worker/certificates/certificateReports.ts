import type { CertificateState } from "../../core/certificates.ts";
import { SlipwayError } from "../../core/errors.ts";
import type { Log } from "../log.ts";

export type { CertificateState } from "../../core/certificates.ts";

/** Whom projects' people hear from what became of their domains' certificates. */
export interface CertificateStore {
  /** All domains of a project that something is known of. The same again changes nothing. */
  reportCertificates(projectId: string, states: CertificateState[]): Promise<void>;
}

/** Tells the control plane how domains stand, where that is not what it was told last; nothing waits for it. */
export class CertificateReports {
  private readonly store: CertificateStore;
  private readonly log: Log;
  private readonly told = new Map<string, string>();
  private going: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(store: CertificateStore, log: Log) {
    this.store = store;
    this.log = log;
  }

  /** What could not be told is told with the next call. @param all by project's id */
  tell(all: ReadonlyMap<string, CertificateState[]>): void {
    for (const projectId of this.told.keys()) if (!all.has(projectId)) this.told.delete(projectId);
    if (![...all].some(([projectId, states]) => this.isNews(projectId, states))) return;
    this.going = this.going.then(() => this.send(all));
  }

  async settled(): Promise<void> {
    await this.going;
  }

  async stop(): Promise<void> {
    this.closed = true;
    await this.going;
  }

  private async send(all: ReadonlyMap<string, CertificateState[]>): Promise<void> {
    for (const [projectId, states] of all) {
      if (this.closed) return;
      if (!this.isNews(projectId, states)) continue;
      try {
        await this.store.reportCertificates(projectId, states);
        this.told.set(projectId, essenceOf(states));
      } catch (error) {
        this.log("certificates-untold", { key: projectId, error });
        // It is away, and would be for the others.
        if (error instanceof SlipwayError && error.data.code === "deadline") return;
      }
    }
  }

  private isNews(projectId: string, states: CertificateState[]): boolean {
    return states.length > 0 && this.told.get(projectId) !== essenceOf(states);
  }
}

/** Without the words, which differ from one time to the next. */
function essenceOf(states: readonly CertificateState[]): string {
  return JSON.stringify(
    states.map(({ domain, given, acme }) => [domain, given.state, acme.state, acme.kind ?? ""]),
  );
}

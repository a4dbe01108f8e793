import type { CertificateState } from "../../core/certificates.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { Clock } from "../clock.ts";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { Log } from "../log.ts";
import type { AcmeIssuer } from "./acmeIssuer.ts";
import { AcmeOrders } from "./acmeOrders.ts";
import { acmeOutcome, acmeStep } from "./acmeStep.ts";
import type { AcmeStore } from "./acmeStore.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { CertificateReports, type CertificateStore } from "./certificateReports.ts";
import { GatewayCertificates } from "./gatewayCertificates.ts";
import { readBase } from "./givenBase.ts";
import { isUsable, judgeGiven, type GivenVerdict } from "./givenCertificate.ts";
import { LocalCa } from "./localCa.ts";
import { BASE_ID, baseCertificate, certificatesOf, type WantedCertificate } from "./wantedCertificates.ts";

/** Between two looks at everything: renewals are due on a scale of days, a lost gateway is noticed by its own events. */
const LOOK_MS = 10 * 60_000;
/** After a look at which something failed; twice as long each time, up to {@link LOOK_MS}. */
const FAILED_LOOK_MS = 5_000;
/** Many projects are followed at once when a worker starts. */
const GATHER_MS = 50;
/** What is logged of one that something fails of. */
const FAILED = "certificate-failed";
/** Certificates that are taken away in one look: each makes the gateway write all others anew. */
const MOST_REMOVED = 50;

export type KeeperOptions = {
  dataDir: string;
  baseDomain: string;
  /** Names under which the gateway itself is known. */
  hosts: readonly string[];
  door: CertificateDoor;
  /** The directory's URL, and who orders from it. Null: no public authority is asked. */
  acme: { directory: string; issue: AcmeIssuer } | null;
  /** What public authorities gave, also while none is asked. */
  store: AcmeStore;
  reports: CertificateStore;
  clock: Clock;
  log: Log;
};

/**
 * Sees to it that the gateway has a certificate for each name: the one that somebody brought, else one from a public
 * authority where that is configured, else one from the local CA. Each is replaced in time, without a reload. What goes
 * wrong with one is that one's alone.
 */
export class CertificateKeeper {
  private readonly options: KeeperOptions;
  private readonly specs = new Map<string, ProjectSpec>();
  /** All projects that live here, as they were listed last; null once that was acted upon. */
  private listed: readonly string[] | null = null;
  /** Ids to take away: their project or domain is gone. */
  private readonly leaving = new Set<string>();
  /** Null: nobody brought one; undefined: that could not be read yet. */
  private base: CertificatePair | null | undefined;
  /** Whether that one serves the environments' own names; true as long as it could not be read. */
  private baseServes = true;
  private readonly gateway: GatewayCertificates;
  private readonly orders: AcmeOrders | null;
  private readonly reports: CertificateReports;
  private readonly states = new Map<string, CertificateState>();
  /** What was last said of each id: at each look it would be said again. */
  private readonly said = new Map<string, string>();
  private failedLooks = 0;
  private isClear = false;
  private going: Promise<void> = Promise.resolve();
  private cancel: (() => void) | null = null;
  private closed = false;

  constructor(options: KeeperOptions) {
    const { acme, store, clock, log } = options;
    this.options = options;
    this.gateway = new GatewayCertificates(options);
    this.reports = new CertificateReports(options.reports, log);
    this.orders =
      acme &&
      new AcmeOrders({
        ...{ ...acme, store, clock, log },
        isWanted: (domain) => this.wanted().get(domain)?.isPublic === true,
        onChange: () => this.again(0),
      });
  }

  start(): void {
    this.look();
  }

  /** Ends what is going on. */
  async stop(): Promise<void> {
    this.closed = true;
    this.cancel?.();
    await Promise.all([this.going, this.orders?.stop(), this.reports.stop()]);
  }

  /** Settles once nothing is under way. */
  async settled(): Promise<void> {
    await this.going;
    await Promise.all([this.orders?.settled(), this.reports.settled()]);
  }

  /** What is wanted of a project, as it is now. */
  follow(spec: ProjectSpec): void {
    const before = this.specs.get(spec.projectId);
    this.specs.set(spec.projectId, spec);
    if (before && fingerprintOf(before) === fingerprintOf(spec)) return;
    if (before) this.leave(before, spec);
    this.again(GATHER_MS);
  }

  forget(projectId: string): void {
    const spec = this.specs.get(projectId);
    if (!spec) return;
    this.specs.delete(projectId);
    this.leave(spec, null);
    this.again(GATHER_MS);
  }

  /**
   * All projects that live here. Once each of them is followed, what belongs to none goes: one may have been deleted while
   * nobody looked.
   */
  hosted(projectIds: readonly string[]): void {
    this.listed = projectIds;
  }

  /** Looks at everything, and asks the gateway anew what it has. */
  look(): void {
    this.gateway.expire();
    this.again(0);
  }

  private leave(before: ProjectSpec, after: ProjectSpec | null): void {
    const kept = new Set((after ? this.certificatesOf(after) : []).map(({ id }) => id));
    for (const { id } of this.certificatesOf(before)) if (!kept.has(id)) this.leaving.add(id);
  }

  private again(delayMs: number): void {
    this.cancel?.();
    if (this.closed) return;
    this.cancel = this.options.clock.after(delayMs, () => {
      this.cancel = null;
      this.going = this.going.then(() => this.tend());
    });
  }

  private async tend(): Promise<void> {
    if (this.closed) return;
    let next: number;
    try {
      next = await this.tendAll();
    } catch (error) {
      this.options.log("certificates-failed", { error });
      this.gateway.expire();
      next = FAILED_LOOK_MS;
    }
    // Where something changed meanwhile, the next look is on its way already.
    if (!this.cancel) this.again(next);
  }

  /** @returns for how long, in ms, nothing is to do. @throws where the gateway itself does not answer */
  private async tendAll(): Promise<number> {
    const { dataDir, clock } = this.options;
    await this.gateway.refresh();
    let isWell = await this.attempt("base.pem", () => this.readBase());
    isWell = (await this.attempt("what is unfinished", () => this.clear())) && isWell;
    const wanted = this.wanted();
    isWell = (await this.attempt("what is left", () => this.sweep(wanted))) && isWell;
    for (const id of [...this.leaving].slice(0, MOST_REMOVED)) {
      if (await this.attempt(id, () => this.remove(id, wanted))) continue;
      isWell = false;
      // The others' turn first.
      this.leaving.delete(id);
      this.leaving.add(id);
    }
    let opened: Promise<LocalCa> | null = null;
    const ca = () => (opened ??= LocalCa.open(dataDir, clock.now()));
    for (const one of wanted.values()) {
      if (this.closed) return LOOK_MS;
      isWell = (await this.attempt(one.id, () => this.tendOne(one, ca))) && isWell;
    }
    this.tell();
    if (isWell) {
      this.failedLooks = 0;
      return this.leaving.size > 0 ? GATHER_MS : LOOK_MS;
    }
    this.failedLooks += 1;
    return Math.min(FAILED_LOOK_MS * 2 ** (this.failedLooks - 1), LOOK_MS);
  }

  /**
   * Keeps what fails of one thing from all others.
   * @param what it is about: a certificate's id, or a file's name
   * @returns whether it went well
   * @throws where the gateway itself does not answer
   */
  private async attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      if (this.said.get(what)?.startsWith(FAILED)) this.said.delete(what);
      return true;
    } catch (error) {
      if (error instanceof GatewayError && error.kind !== "invalid") {
        this.gateway.expire();
        await this.gateway.refresh();
      }
      const message = error instanceof Error ? error.message : String(error);
      this.say(what, FAILED, message, { error });
      return false;
    }
  }

  private say(id: string, event: string, message: string, fields: Record<string, unknown>): void {
    const line = `${event} ${message}`;
    if (this.said.get(id) === line) return;
    this.said.set(id, line);
    this.options.log(event, { id, ...fields });
  }

  private async readBase(): Promise<void> {
    const { dataDir, baseDomain, clock } = this.options;
    this.base = (await readBase(dataDir)) ?? null;
    this.baseServes = isUsable(judgeGiven(this.base ?? undefined, `*.${baseDomain}`, clock.now()));
  }

  private async clear(): Promise<void> {
    if (this.isClear) return;
    await this.options.store.clear();
    this.isClear = true;
  }

  /** Marks what belongs to no project, where all of them are known. */
  private async sweep(wanted: ReadonlyMap<string, WantedCertificate>): Promise<void> {
    if (!this.listed?.every((projectId) => this.specs.has(projectId)) || this.base === undefined) return;
    for (const id of this.gateway.ids()) if (!wanted.has(id)) this.leaving.add(id);
    await this.options.store.removeOthers([...wanted.keys()]);
    this.listed = null;
  }

  private wanted(): Map<string, WantedCertificate> {
    const { baseDomain, hosts } = this.options;
    const all = [...this.specs.values()].flatMap((spec) => this.certificatesOf(spec));
    if (this.base !== undefined) all.unshift(baseCertificate(baseDomain, hosts, this.base ?? undefined));
    return new Map(all.map((certificate) => [certificate.id, certificate]));
  }

  private certificatesOf(spec: ProjectSpec): WantedCertificate[] {
    return certificatesOf(spec, this.options.baseDomain, this.baseServes);
  }

  private async remove(id: string, wanted: ReadonlyMap<string, WantedCertificate>): Promise<void> {
    if (!wanted.has(id)) {
      await this.gateway.remove(id);
      await (this.orders ?? this.options.store).remove(id);
      this.states.delete(id);
      for (const what of [id, asItWasSet(id)]) this.said.delete(what);
    }
    this.leaving.delete(id);
  }

  private async tendOne(wanted: WantedCertificate, ca: () => Promise<LocalCa>): Promise<void> {
    const { id } = wanted;
    const name = id === BASE_ID ? `*.${this.options.baseDomain}` : id;
    const given = judgeGiven(wanted.given, name, this.options.clock.now());
    if (given.state !== "none" && given.state !== "good") {
      this.say(asItWasSet(id), `certificate-${given.state}`, given.message, {
        message: given.message,
      });
    }
    if (this.orders && wanted.isPublic && !isUsable(given))
      return await this.tendAcme(wanted, given, this.orders);
    this.states.set(id, { domain: id, given, acme: { state: "none", message: "" } });
    if (wanted.given && isUsable(given)) await this.gateway.put(wanted, "file", wanted.given);
    else await this.gateway.putLocal(wanted, await ca());
  }

  private async tendAcme(wanted: WantedCertificate, given: GivenVerdict, orders: AcmeOrders): Promise<void> {
    const { acme, clock } = this.options;
    const state = await orders.read(wanted.id);
    const of = { domain: wanted.id, directory: acme?.directory ?? "", now: clock.now() };
    this.states.set(wanted.id, { domain: wanted.id, given, acme: acmeOutcome(state, of) });
    const { serves, isDue } = acmeStep(state, of);
    if (isDue) orders.ask(wanted.id);
    if (serves) await this.gateway.put(wanted, "acme", serves);
  }

  private tell(): void {
    const all = [...this.specs].map(([projectId, { manifest }]): [string, CertificateState[]] => [
      projectId,
      (manifest.domains ?? []).flatMap((domain) => this.states.get(domain) ?? []),
    ]);
    this.reports.tell(new Map(all));
  }
}

/** What is said of it is apart from what is said of the one that serves. */
function asItWasSet(id: string): string {
  return `${id} as it was set`;
}

function fingerprintOf({ slug, manifest, certificates }: ProjectSpec): string {
  return JSON.stringify([slug, manifest.domains, certificates]);
}

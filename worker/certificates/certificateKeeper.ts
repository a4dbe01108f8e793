import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { Clock } from "../clock.ts";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { Log } from "../log.ts";
import type { AcmeIssuer } from "./acmeIssuer.ts";
import type { AcmeStore } from "./acmeStore.ts";
import { certificateFacts, type CertificatePair } from "./certificateFacts.ts";
import { readBase } from "./givenBase.ts";
import { LocalCa } from "./localCa.ts";
import { renewAt, retryDelayMs } from "./renewal.ts";
import {
  baseCertificate,
  certificatesOf,
  formatDigest,
  localOf,
  parseDigest,
  type CertificateSource,
  type WantedCertificate,
} from "./wantedCertificates.ts";

/** Between two looks at everything: renewals are due on a scale of days, a lost gateway is noticed by its own events. */
const LOOK_MS = 10 * 60_000;
const FAILED_LOOK_MS = 5_000;
/** Many projects are followed at once when a worker starts. */
const GATHER_MS = 50;

export type KeeperOptions = {
  dataDir: string;
  baseDomain: string;
  /** Names under which the gateway itself is known. */
  hosts: readonly string[];
  door: CertificateDoor;
  /** Null: no public authority is asked. */
  acme: { issue: AcmeIssuer; store: AcmeStore } | null;
  clock: Clock;
  log: Log;
};

/**
 * Sees to it that the gateway has a certificate for each name: the one that somebody brought, else one from a public
 * authority where that is configured, else one from the local CA. Each is replaced in time, without a reload.
 */
export class CertificateKeeper {
  private readonly options: KeeperOptions;
  private readonly specs = new Map<string, ProjectSpec>();
  /** Ids to take away: their project or domain is gone. */
  private readonly leaving = new Set<string>();
  private base: CertificatePair | undefined;
  private digests: Map<string, string> | null = null;
  private going: Promise<void> = Promise.resolve();
  private asking: Promise<void> = Promise.resolve();
  private readonly asked = new Set<string>();
  private cancel: (() => void) | null = null;
  private closed = false;

  constructor(options: KeeperOptions) {
    this.options = options;
  }

  start(): void {
    this.look();
  }

  /** Waits for what is going on, but for what public authorities take their time with. */
  async stop(): Promise<void> {
    this.closed = true;
    this.cancel?.();
    await this.going;
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

  /** Looks at everything, and asks the gateway anew what it has. */
  look(): void {
    this.digests = null;
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
    const { dataDir, door, clock, log } = this.options;
    let next = LOOK_MS;
    try {
      this.base = await readBase(dataDir);
      this.digests ??= await door.digests();
      const ca = await LocalCa.open(dataDir, clock.now());
      const wanted = this.wanted();
      for (const id of this.leaving) await this.remove(id, wanted);
      for (const certificate of wanted.values()) await this.tendOrSay(certificate, ca);
    } catch (error) {
      log("certificates-failed", { error });
      this.digests = null;
      next = FAILED_LOOK_MS;
    }
    // Where something changed meanwhile, the next look is on its way already.
    if (!this.cancel) this.again(next);
  }

  /** One that the gateway will not have must not keep the others from it. */
  private async tendOrSay(wanted: WantedCertificate, ca: LocalCa): Promise<void> {
    try {
      await this.tendOne(wanted, ca);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.kind !== "invalid") throw error;
      this.options.log("certificate-refused", { id: wanted.id, error });
    }
  }

  private wanted(): Map<string, WantedCertificate> {
    const { baseDomain, hosts } = this.options;
    const all = [
      baseCertificate(baseDomain, hosts, this.base),
      ...[...this.specs.values()].flatMap((spec) => this.certificatesOf(spec)),
    ];
    return new Map(all.map((certificate) => [certificate.id, certificate]));
  }

  private certificatesOf(spec: ProjectSpec): WantedCertificate[] {
    return certificatesOf(spec, this.options.baseDomain, this.base !== undefined);
  }

  private async remove(id: string, wanted: ReadonlyMap<string, WantedCertificate>): Promise<void> {
    if (!wanted.has(id)) {
      await this.options.door.remove(id);
      await this.options.acme?.store.remove(id);
      this.digests?.delete(id);
    }
    this.leaving.delete(id);
  }

  private async tendOne(wanted: WantedCertificate, ca: LocalCa): Promise<void> {
    const { acme, clock } = this.options;
    if (wanted.given) return await this.put(wanted, "file", wanted.given);
    if (!acme || !wanted.isPublic) return await this.tendLocal(wanted, ca);
    const state = await acme.store.read(wanted.id);
    const now = clock.now();
    const life = state.pair && certificateFacts(state.pair.chain);
    if (state.pair && life && life.notAfter > now) await this.put(wanted, "acme", state.pair);
    const due = !life || renewAt(life, wanted.id) <= now;
    if (due && (state.retryAt ?? 0) <= now) this.ask(wanted.id);
  }

  private async tendLocal(wanted: WantedCertificate, ca: LocalCa): Promise<void> {
    const now = this.options.clock.now();
    const of = localOf(ca.fingerprint, wanted);
    const has = parseDigest(this.digests?.get(wanted.id));
    if (has?.source === "local" && has.of === of && renewAt(has, wanted.id) > now) return;
    const pair = await ca.issue(wanted, now);
    await this.push(wanted, pair, "local", of);
  }

  private async put(
    wanted: WantedCertificate,
    source: CertificateSource,
    pair: CertificatePair,
  ): Promise<void> {
    const { fingerprint } = certificateFacts(pair.chain);
    const has = parseDigest(this.digests?.get(wanted.id));
    if (has?.source === source && has.of === fingerprint) return;
    await this.push(wanted, pair, source, fingerprint);
  }

  private async push(
    wanted: WantedCertificate,
    { chain, key }: CertificatePair,
    source: CertificateSource,
    of: string,
  ): Promise<void> {
    const { notBefore, notAfter } = certificateFacts(chain);
    const digest = formatDigest({ source, notBefore, notAfter, of });
    const names = [...wanted.dns, ...(wanted.forNobody ? [""] : [])];
    await this.options.door.put({ id: wanted.id, names, chain, key, digest });
    this.digests?.set(wanted.id, digest);
    this.options.log("certificate", { id: wanted.id, source, until: new Date(notAfter).toISOString() });
  }

  /** One domain after the other, beside everything else: an authority may take minutes. */
  private ask(domain: string): void {
    const { acme, clock, log } = this.options;
    if (!acme || this.asked.has(domain)) return;
    this.asked.add(domain);
    this.asking = this.asking.then(async () => {
      const state = await acme.store.read(domain);
      try {
        if (this.closed) return;
        const pair = await acme.issue(domain);
        await acme.store.write(domain, { pair, failures: 0, retryAt: null });
        this.again(0);
      } catch (error) {
        const failures = state.failures + 1;
        const retryAt = clock.now() + retryDelayMs(failures, domain);
        const message = error instanceof Error ? error.message : String(error);
        log("acme-failed", { domain, failures, retryAt: new Date(retryAt).toISOString(), error });
        await acme.store
          .write(domain, { ...state, failures, retryAt, message })
          .catch((unwritten: unknown) => log("acme-failed", { domain, error: unwritten }));
      } finally {
        this.asked.delete(domain);
      }
    });
  }
}

function fingerprintOf({ slug, manifest, certificates }: ProjectSpec): string {
  return JSON.stringify([slug, manifest.domains, certificates]);
}

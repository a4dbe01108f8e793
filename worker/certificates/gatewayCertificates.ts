import type { Clock } from "../clock.ts";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import type { Log } from "../log.ts";
import { certificateFacts, type CertificatePair } from "./certificateFacts.ts";
import type { LocalCa } from "./localCa.ts";
import { renewAt } from "./renewal.ts";
import {
  formatDigest,
  localOf,
  parseDigest,
  type CertificateSource,
  type WantedCertificate,
} from "./wantedCertificates.ts";

/** The certificates that the gateway has, as it last told; what it has already is not pushed again. */
export class GatewayCertificates {
  private readonly door: CertificateDoor;
  private readonly clock: Clock;
  private readonly log: Log;
  private digests: Map<string, string> | null = null;

  constructor({ door, clock, log }: { door: CertificateDoor; clock: Clock; log: Log }) {
    this.door = door;
    this.clock = clock;
    this.log = log;
  }

  /** It may have others by now. */
  expire(): void {
    this.digests = null;
  }

  /** Asks what it has, where that is not known. @throws GatewayError */
  async refresh(): Promise<void> {
    this.digests ??= await this.door.digests();
  }

  ids(): string[] {
    return [...(this.digests?.keys() ?? [])];
  }

  /** @throws GatewayError */
  async remove(id: string): Promise<void> {
    await this.door.remove(id);
    this.digests?.delete(id);
  }

  /** @throws GatewayError */
  async put(wanted: WantedCertificate, source: CertificateSource, pair: CertificatePair): Promise<void> {
    const { fingerprint } = certificateFacts(pair.chain);
    const has = parseDigest(this.digests?.get(wanted.id));
    if (has?.source === source && has.of === fingerprint) return;
    await this.push(wanted, pair, source, fingerprint);
  }

  /** One that `ca` signs, renewed in time. @throws GatewayError */
  async putLocal(wanted: WantedCertificate, ca: LocalCa): Promise<void> {
    const now = this.clock.now();
    const of = localOf(ca.fingerprint, wanted);
    const has = parseDigest(this.digests?.get(wanted.id));
    if (has?.source === "local" && has.of === of && renewAt(has, wanted.id) > now) return;
    const pair = await ca.issue(wanted, now);
    await this.push(wanted, pair, "local", of);
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
    await this.door.put({ id: wanted.id, names, chain, key, digest });
    this.digests?.set(wanted.id, digest);
    this.log("certificate", { id: wanted.id, source, until: new Date(notAfter).toISOString() });
  }
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { projectSpec } from "../../core/render/render.fixtures.ts";
import type { CertificateDoor, PushedCertificate } from "../gateway/certificateDoor.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { acmeFolder, AcmeStore } from "./acmeStore.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { CertificateKeeper, type KeeperOptions } from "./certificateKeeper.ts";
import type { CertificateState } from "./certificateReports.ts";
import { LocalCa } from "./localCa.ts";

/** A host whose certificates are kept, with real files, and faults of the gateway, the authority and the disk on demand. */

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 3_600_000;
export const DIRECTORY = "https://acme.example/dir";
/** Of 253 characters, as long as names can be. */
export const LONGEST = `${`${"a".repeat(60)}.`.repeat(4)}example.x`;
const NOW = Date.parse("2026-06-01");

/** A gateway's certificates that can be away, and refuse one. */
class Door implements CertificateDoor {
  readonly has = new Map<string, PushedCertificate>();
  /** Asked with each call and what it is about: what it throws is the answer. */
  fault: (call: "put" | "remove" | "digests", id: string) => void = () => undefined;

  async put(certificate: PushedCertificate): Promise<void> {
    this.fault("put", certificate.id);
    this.has.set(certificate.id, certificate);
  }
  async remove(id: string): Promise<void> {
    this.fault("remove", id);
    this.has.delete(id);
  }
  async digests(): Promise<Map<string, string>> {
    this.fault("digests", "");
    return new Map([...this.has].map(([id, { digest }]) => [id, digest]));
  }
  async putChallenge(): Promise<void> {}
  async removeChallenge(): Promise<void> {}

  /** Where the one that serves is from. */
  from(id: string): string | undefined {
    return this.has.get(id)?.digest.split(" ")[0];
  }
}

export class KeeperWorld {
  readonly door = new Door();
  readonly clock = new VirtualClock(NOW);
  keeper!: CertificateKeeper;
  logged: string[] = [];
  /** Every order, as `<domain>` or `<domain> of <directory>`. */
  readonly ordered: string[] = [];
  readonly told: { projectId: string; states: CertificateState[] }[] = [];

  private constructor(
    readonly dataDir: string,
    readonly authority: LocalCa,
  ) {}

  static async open(): Promise<KeeperWorld> {
    const folder = await mkdtemp(join(tmpdir(), "slipway-keeper-"));
    return new KeeperWorld(join(folder, "data"), await LocalCa.open(join(folder, "authority"), NOW));
  }

  async close(): Promise<void> {
    await this.keeper?.stop();
    await rm(join(this.dataDir, ".."), { recursive: true });
  }

  /** Another worker of this host, as it starts. */
  async start(options: Partial<KeeperOptions> = {}): Promise<void> {
    await this.keeper?.stop();
    this.logged = [];
    const { dataDir, door, clock } = this;
    this.keeper = new CertificateKeeper({
      ...{ dataDir, baseDomain: "localhost", hosts: [], door, clock },
      store: new AcmeStore(acmeFolder(dataDir), (message) => this.logged.push(message)),
      acme: {
        directory: DIRECTORY,
        issue: async (domain) => {
          this.ordered.push(domain);
          return await this.issue(domain);
        },
      },
      reports: {
        reportCertificates: async (projectId, states) => void this.told.push({ projectId, states }),
      },
      log: (event, fields = {}) =>
        this.logged.push(JSON.stringify([event, fields, String(fields.error ?? "")])),
      ...options,
    });
    this.keeper.start();
  }

  acmeOf(directory: string): NonNullable<KeeperOptions["acme"]> {
    return {
      directory,
      issue: async (domain) => {
        this.ordered.push(`${domain} of ${directory}`);
        return await this.issue(domain);
      },
    };
  }

  async issue(domain: string): Promise<CertificatePair> {
    return await this.authority.issue({ dns: [domain], ips: [] }, this.clock.now());
  }

  /** One that somebody has, with so many of its 90 days to go. */
  async given(domain: string, days: number): Promise<CertificatePair> {
    const begun = this.clock.now() - (90 - days) * DAY_MS;
    return await this.authority.issue({ dns: [domain], ips: [] }, begun);
  }

  /** Lets `ms` pass, and then what is under way come to an end. */
  async pass(ms = 100): Promise<void> {
    await this.clock.advance(ms);
    await this.keeper.settled();
    await this.clock.advance(100);
    await this.keeper.settled();
  }

  /** All that the control plane was told of a domain. */
  states(domain: string): CertificateState[] {
    return this.told.flatMap(({ states }) => states.filter((state) => state.domain === domain));
  }
}

export function project(
  slug: string,
  domains: string[],
  given?: Record<string, CertificatePair>,
): ProjectSpec {
  return {
    ...projectSpec({ domains }),
    ...{ projectId: `id of ${slug}`, slug },
    ...(given && { certificates: given }),
  };
}

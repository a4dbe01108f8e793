import {
  createHash,
  createPrivateKey,
  KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate as Parsed,
} from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import type { CertificatePair } from "./certificateFacts.ts";
import { readIfThere, writePrivate } from "./privateFiles.ts";

/**
 * Slipway's own certificate authority, for names that no public one signs. Its key is made on the first need, stays in
 * the data directory and signs nothing but servers' certificates; whoever trusts it does so by hand (`slipway trust`).
 */

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3_600_000;
const CA_DAYS = 3650;
/** Short enough for every client, and renewed by itself. */
const LEAF_DAYS = 90;
/** Clocks of clients may be a little behind. */
const BACKDATE_MS = 3_600_000;

x509.cryptoProvider.set(webcrypto as Crypto);

export function localCaPaths(dataDir: string): { certificate: string; key: string } {
  const folder = join(dataDir, "certificates", "local-ca");
  return { certificate: join(folder, "ca.pem"), key: join(folder, "ca.key") };
}

/** What all servers' certificates say alike: made once, because encoding them takes longer than signing. */
const SERVER_EXTENSIONS = [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
];

/** The one that was opened last, by its files' texts: it is opened at each look, and reading one takes milliseconds. */
let opened: { certificate: string; key: string; ca: LocalCa } | null = null;

export type LeafNames = { dns: readonly string[]; ips: readonly string[] };

export class LocalCa {
  /** PEM; what a client has to trust. */
  readonly certificate: string;
  /** The first 16 hex digits of its SHA-256. */
  readonly fingerprint: string;
  /** Ms since 1970. */
  readonly endsAt: number;
  private readonly parsed: x509.X509Certificate;
  private readonly key: webcrypto.CryptoKey;
  private readonly authority: Promise<x509.AuthorityKeyIdentifierExtension>;

  private constructor(certificate: string, key: webcrypto.CryptoKey) {
    this.certificate = certificate;
    this.key = key;
    this.parsed = new x509.X509Certificate(certificate);
    this.fingerprint = createHash("sha256")
      .update(Buffer.from(this.parsed.rawData))
      .digest("hex")
      .slice(0, 16);
    this.endsAt = this.parsed.notAfter.getTime();
    this.authority = x509.AuthorityKeyIdentifierExtension.create(this.parsed.publicKey);
  }

  /** The one of `dataDir`; a new one where there is none, or where it ends before what it signs now would. */
  static async open(dataDir: string, now: number): Promise<LocalCa> {
    const paths = localCaPaths(dataDir);
    const [certificate, key] = [await readIfThere(paths.certificate), await readIfThere(paths.key)];
    if (certificate !== null && key !== null) {
      const isSame = opened?.certificate === certificate && opened.key === key;
      if (opened && isSame && outlives(opened.ca.endsAt, now)) return opened.ca;
      if (isUsable(certificate, key, now)) {
        const ca = new LocalCa(certificate, await importKey(key));
        opened = { certificate, key, ca };
        return ca;
      }
    }
    const made = await makeCa(now);
    // The key first: a certificate without its key would be trusted for nothing.
    await writePrivate(paths.key, made.key);
    await writePrivate(paths.certificate, made.chain);
    return new LocalCa(made.chain, await importKey(made.key));
  }

  /** A certificate of 90 days for a server with these names, and its new key. */
  async issue({ dns, ips }: LeafNames, now: number): Promise<CertificatePair & { notAfter: number }> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const notAfter = now + LEAF_DAYS * DAY_MS;
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${(dns[0] ?? ips[0] ?? "slipway").slice(0, 64)}`,
      issuer: this.parsed.subject,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(notAfter),
      publicKey: keys.publicKey as CryptoKey,
      signingKey: this.key as CryptoKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        ...SERVER_EXTENSIONS,
        new x509.SubjectAlternativeNameExtension([
          ...dns.map((value) => ({ type: "dns" as const, value })),
          ...ips.map((value) => ({ type: "ip" as const, value })),
        ]),
        await this.authority,
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as CryptoKey),
      ],
    });
    return { chain: pem(leaf), key: exportKey(keys.privateKey), notAfter };
  }
}

async function makeCa(now: number): Promise<CertificatePair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const name = hostname()
    .replace(/[^A-Za-z0-9.-]/g, "-")
    .slice(0, 40);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Slipway local CA ${name} ${randomBytes(3).toString("hex")}`,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys as CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as CryptoKey),
    ],
  });
  return { chain: pem(certificate), key: exportKey(keys.privateKey) };
}

function isUsable(certificate: string, key: string, now: number): boolean {
  try {
    const parsed = new Parsed(certificate);
    return outlives(Date.parse(parsed.validTo), now) && parsed.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Whether it is there longer than what it signs now. */
function outlives(endsAt: number, now: number): boolean {
  return endsAt > now + LEAF_DAYS * DAY_MS;
}

async function importKey(key: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  return await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

function exportKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }) as string;
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem").trim()}\n`;
}

/** 16 random bytes, of which the first is no sign and no zero. */
function serial(): string {
  return `4${randomBytes(16).toString("hex").slice(1)}`;
}

import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { SlipwayError } from "../../core/errors.ts";

/** A chain as PEM, the name's own certificate first, and that one's private key as PEM. */
export type CertificatePair = { chain: string; key: string };

export type CertificateFacts = {
  /** DNS names, in lower case. */
  names: string[];
  issuer: string;
  /** ms since 1970. */
  notBefore: number;
  notAfter: number;
  /** SHA-256 of the first certificate, in hex. */
  fingerprint: string;
};

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** @throws SlipwayError `bad_request` where `chain` holds no certificate that can be read */
export function certificateFacts(chain: string): CertificateFacts {
  const [leaf] = certificatesIn(chain);
  return {
    names: (leaf.subjectAltName ?? "")
      .split(/,\s*/)
      .flatMap((name) => (name.startsWith("DNS:") ? [name.slice(4).toLowerCase()] : [])),
    issuer: leaf.issuer.replaceAll("\n", ", "),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/**
 * Checks that `pair` can serve `domain` now: that it is sound, and none of its chain has ended or is still to begin.
 * @returns the pair, with nothing but PEM in it
 * @throws SlipwayError `bad_request` saying what is wrong; nothing of the key is in it
 */
export function checkCertificate(pair: CertificatePair, domain: string, now: number): CertificatePair {
  const { certificates, key } = soundPair(pair, domain);
  for (const [index, certificate] of certificates.entries()) {
    if (Date.parse(certificate.validTo) <= now) {
      throw wrong(`Certificate ${index + 1} of the chain ended on ${certificate.validTo}.`, "Get a new one.");
    }
  }
  const [leaf] = certificates;
  if (Date.parse(leaf.validFrom) > now) {
    throw wrong(`The certificate begins on ${leaf.validFrom} only.`, "Set it then.");
  }
  return {
    chain: certificates.map((certificate) => certificate.toString()).join(""),
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/**
 * Checks that `pair` can serve `domain` (`*.…` stands for all names one label below) while it lasts: the key is the first
 * certificate's, and each next one issued the one before.
 * @throws SlipwayError `bad_request` saying what is wrong; nothing of the key is in it
 */
export function soundPair(
  pair: CertificatePair,
  domain: string,
): { certificates: [X509Certificate, ...X509Certificate[]]; key: KeyObject } {
  const certificates = certificatesIn(pair.chain);
  const [leaf] = certificates;
  const key = privateKey(pair.key);
  if (!leaf.checkPrivateKey(key)) {
    throw wrong(
      "The key is not that of the first certificate.",
      "Name the key that the certificate was asked with.",
    );
  }
  for (const [index, certificate] of certificates.entries()) {
    const next = certificates[index + 1];
    if (next && !(certificate.checkIssued(next) && certificate.verify(next.publicKey))) {
      throw wrong(
        `Certificate ${index + 1} of the chain was not issued by the one after it.`,
        "Put the domain's own certificate first, then the one that issued it, and so on.",
      );
    }
  }
  const { names } = certificateFacts(pair.chain);
  if (!covers(names, domain)) {
    throw wrong(
      `The certificate is for ${names.join(", ") || "no name"}, not for ${domain}.`,
      "Name the certificate of this domain.",
    );
  }
  return { certificates, key };
}

/** Whether a certificate for `names` is one for `domain`. */
export function covers(names: readonly string[], domain: string): boolean {
  return names.includes(domain) || names.includes(domain.replace(/^[^.]+\./, "*."));
}

function certificatesIn(chain: string): [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...others] = [...chain.matchAll(BLOCK)].map(([block]) => new X509Certificate(block));
    if (first) return [first, ...others];
  } catch (cause) {
    throw wrong("A certificate of the chain cannot be read.", "It must be PEM.", cause);
  }
  throw wrong("There is no certificate in the chain.", "It must be PEM: -----BEGIN CERTIFICATE-----.");
}

function privateKey(pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    // Without its cause: that could quote the key.
    throw wrong("The key cannot be read.", "It must be an unencrypted private key in PEM.");
  }
}

function wrong(message: string, hint: string, cause?: unknown): SlipwayError {
  return new SlipwayError({ code: "bad_request", message, hint }, { cause });
}

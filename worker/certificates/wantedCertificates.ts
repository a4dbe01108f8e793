import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { ENVIRONMENT_KINDS } from "../../core/lifecycle.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { environmentHost } from "../../core/routes.ts";
import type { CertificatePair } from "./certificateFacts.ts";

/** Which certificates the gateway should have. Pure. */

export type WantedCertificate = {
  /** Under which the gateway keeps it. */
  id: string;
  dns: readonly string[];
  ips: readonly string[];
  /** Whether clients that name nobody get it. */
  forNobody: boolean;
  /** Somebody brought it: it goes before all others. */
  given?: CertificatePair;
  /** Whether a public authority may be asked for it. */
  isPublic: boolean;
};

export const BASE_ID = "base";

/** Names that no public authority signs (RFC 2606, 6761, 6762, 8375, and what networks at home use). */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|internal|test|invalid|lan|home\.arpa)$/;

/** Of the gateway's own names, and of every name one label below the base domain. */
export function baseCertificate(
  baseDomain: string,
  hosts: readonly string[],
  given?: CertificatePair,
): WantedCertificate {
  const own = [...new Set([baseDomain, "localhost", ...hosts])].map((host) => host.replace(/^\[|\]$/g, ""));
  return {
    id: BASE_ID,
    dns: [...own.filter((host) => isIP(host) === 0), `*.${baseDomain}`],
    ips: [...new Set(["127.0.0.1", "::1", ...own.filter((host) => isIP(host) !== 0)])],
    forNobody: true,
    given,
    isPublic: false,
  };
}

/**
 * Of a project: one for each domain; and one for its environments' names, each by itself, because browsers take no
 * certificate for `*.localhost`.
 * @param hasBase whether somebody brought a certificate for all names below the base domain
 */
export function certificatesOf(
  spec: Pick<ProjectSpec, "slug" | "manifest" | "certificates">,
  baseDomain: string,
  hasBase: boolean,
): WantedCertificate[] {
  const own = {
    id: `project-${spec.slug}`,
    dns: ENVIRONMENT_KINDS.map((kind) => environmentHost(spec.slug, kind, baseDomain)),
    ips: [],
    forNobody: false,
    isPublic: false,
  };
  const domains = (spec.manifest.domains ?? []).map((name) => ({
    id: name,
    dns: [name],
    ips: [],
    forNobody: false,
    given: spec.certificates?.[name],
    isPublic: !PRIVATE_NAME.test(name),
  }));
  return hasBase ? domains : [own, ...domains];
}

export type CertificateSource = "file" | "acme" | "local";
const SOURCES: readonly CertificateSource[] = ["file", "acme", "local"];

/** What the gateway is told a version of a certificate is called: where it is from, when it ends, and what made it. */
export type Digest = { source: CertificateSource; notBefore: number; notAfter: number; of: string };

export function formatDigest({ source, notBefore, notAfter, of }: Digest): string {
  return `${source} ${notBefore} ${notAfter} ${of}`;
}

export function parseDigest(text: string | undefined): Digest | null {
  const [source, notBefore, notAfter, of] = (text ?? "").split(" ");
  const known = SOURCES.find((one) => one === source);
  if (!known || of === undefined) return null;
  return { source: known, notBefore: Number(notBefore), notAfter: Number(notAfter), of };
}

/** For what a local authority signs: another authority or other names are another certificate. */
export function localOf(caFingerprint: string, { dns, ips }: WantedCertificate): string {
  const names = createHash("sha256")
    .update(JSON.stringify([dns, ips]))
    .digest("hex")
    .slice(0, 16);
  return `${caFingerprint}-${names}`;
}

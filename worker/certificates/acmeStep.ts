import type { CertificateState } from "../../core/certificates.ts";
import type { AcmeState } from "./acmeStore.ts";
import { certificateFacts, type CertificateFacts, type CertificatePair } from "./certificateFacts.ts";
import { retryDelayMs, renewAt } from "./renewal.ts";

/** What there is to do about a domain's certificate from a public authority, and what came of it. Pure. */

/** Longest that an authority's own word on when to ask again is kept to. */
const MOST_PATIENCE_MS = 24 * 3_600_000;

/** `directory`: the URL of the authority that is asked now. `now` in ms since 1970. */
type Circumstances = { domain: string; directory: string; now: number };

export type AcmeStep = {
  /** What serves until there is another one; null where nothing can. */
  serves: CertificatePair | null;
  /** Whether to ask for another one now. */
  isDue: boolean;
};

/** A certificate of another authority serves until there is one of this authority, which is asked at once. */
export function acmeStep(state: AcmeState, { domain, directory, now }: Circumstances): AcmeStep {
  const life = lifeOf(state);
  const isDue = !life || !isFrom(state.directory, directory) || renewAt(life, domain) <= now;
  // What another authority refused is no reason to wait with this one.
  const retryAt = isFrom(state.asked, directory) ? (state.retryAt ?? 0) : 0;
  return {
    serves: state.pair && life && life.notAfter > now ? state.pair : null,
    isDue: isDue && retryAt <= now,
  };
}

export function afterSuccess(pair: CertificatePair, directory: string): AcmeState {
  return { pair, directory, failures: 0, retryAt: null, asked: directory };
}

/** @param notBefore ms since 1970, when the authority wants to be asked again */
export function afterFailure(
  state: AcmeState,
  { domain, directory, now }: Circumstances,
  { kind, message, notBefore }: { kind: string; message: string; notBefore: number | null },
): AcmeState {
  const failures = (isFrom(state.asked, directory) ? state.failures : 0) + 1;
  const askedFor = Math.min(notBefore ?? 0, now + MOST_PATIENCE_MS);
  const retryAt = Math.max(now + retryDelayMs(failures, domain), askedFor);
  const { pair, directory: from } = state;
  return {
    ...(pair && { pair }),
    ...(from !== undefined && { directory: from }),
    ...{ failures, retryAt, message, kind, asked: directory },
  };
}

/** What the control plane is told of it. */
export function acmeOutcome(
  state: AcmeState,
  { domain, directory, now }: Circumstances,
): CertificateState["acme"] {
  if (state.message !== undefined && isFrom(state.asked, directory)) {
    return { state: "failed", kind: state.kind ?? "unknown", message: state.message };
  }
  const life = lifeOf(state);
  if (!life || life.notAfter <= now || !isFrom(state.directory, directory)) {
    return { state: "none", message: "" };
  }
  const day = new Date(life.notAfter).toISOString().slice(0, 10);
  return { state: "issued", message: `${domain} has a certificate from ${directory} until ${day}.` };
}

/** What does not tell where it is from was written when there was but one. */
function isFrom(told: string | undefined, directory: string): boolean {
  return (told ?? directory) === directory;
}

/** Null where there is no certificate, or none that can be read. */
function lifeOf({ pair }: AcmeState): CertificateFacts | null {
  try {
    return pair ? certificateFacts(pair.chain) : null;
  } catch {
    return null;
  }
}

import { ENDING_MS, type GivenState } from "../../core/certificates.ts";
import { SlipwayError } from "../../core/errors.ts";
import { certificateFacts, soundPair, type CertificatePair } from "./certificateFacts.ts";

/** How far a certificate that somebody set still serves. Pure. */

export type GivenVerdict = { state: GivenState; message: string };

/** @param name what it was set for; `*.…` stands for all names one label below */
export function judgeGiven(pair: CertificatePair | undefined, name: string, now: number): GivenVerdict {
  if (!pair) return { state: "none", message: "" };
  const what = `The certificate that was set for ${name}`;
  const problem = problemOf(pair, name);
  if (problem !== null) {
    return { state: "unusable", message: `${what} counts as none: ${problem} Set another one.` };
  }
  const { notAfter } = certificateFacts(pair.chain);
  const day = new Date(notAfter).toISOString().slice(0, 10);
  if (notAfter <= now) {
    return { state: "ended", message: `${what} ended on ${day} and counts as none: set the next one.` };
  }
  if (notAfter - now <= ENDING_MS) {
    return { state: "ending", message: `${what} ends on ${day}, and nobody renews it: set the next one.` };
  }
  return { state: "good", message: `${what} serves until ${day}.` };
}

/** Whoever set it may not have asked first whether it can serve. */
function problemOf(pair: CertificatePair, name: string): string | null {
  try {
    soundPair(pair, name);
    return null;
  } catch (error) {
    // OpenSSL's own words could quote what it was given.
    return error instanceof SlipwayError ? error.message : "It cannot be checked.";
  }
}

export function isUsable({ state }: GivenVerdict): boolean {
  return state === "good" || state === "ending";
}

import { ENDING_MS, type GivenState } from "../../core/certificates.ts";
import { certificateFacts, type CertificatePair } from "./certificateFacts.ts";

/** How far a certificate that somebody set still serves. Pure. */

export type GivenVerdict = { state: GivenState; message: string };

/** @param name what it was set for */
export function judgeGiven(pair: CertificatePair | undefined, name: string, now: number): GivenVerdict {
  if (!pair) return { state: "none", message: "" };
  const what = `The certificate that was set for ${name}`;
  let notAfter: number;
  try {
    ({ notAfter } = certificateFacts(pair.chain));
  } catch {
    return { state: "unusable", message: `${what} cannot be read and counts as none: set another one.` };
  }
  const day = new Date(notAfter).toISOString().slice(0, 10);
  if (notAfter <= now) {
    return { state: "ended", message: `${what} ended on ${day} and counts as none: set the next one.` };
  }
  if (notAfter - now <= ENDING_MS) {
    return { state: "ending", message: `${what} ends on ${day}, and nobody renews it: set the next one.` };
  }
  return { state: "good", message: `${what} serves until ${day}.` };
}

export function isUsable({ state }: GivenVerdict): boolean {
  return state === "good" || state === "ending";
}

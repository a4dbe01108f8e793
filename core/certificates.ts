/** How a project's domain stands with its certificates, as a worker tells the control plane. */

/**
 * The one that somebody set: there is none; it serves; it serves and ends soon; it has ended; it cannot serve. In the
 * last two cases it counts as none.
 */
export const GIVEN_STATES = ["none", "good", "ending", "ended", "unusable"] as const;
export type GivenState = (typeof GIVEN_STATES)[number];

/** The one from an ACME server: none is asked, or has answered yet; it is there; the last attempt failed. */
export const ACME_STATES = ["none", "issued", "failed"] as const;
export type AcmeOutcome = (typeof ACME_STATES)[number];

/** How long before its end one that somebody set ends soon: nobody renews it, so people need time to. */
export const ENDING_MS = 14 * 24 * 3_600_000;

export type CertificateState = {
  domain: string;
  /** `message` is for people, a sentence or two. */
  given: { state: GivenState; message: string };
  /** `kind` tells failures apart, like `dns` or `rateLimited`. */
  acme: { state: AcmeOutcome; kind?: string; message: string };
};

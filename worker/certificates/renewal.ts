import { createHash } from "node:crypto";

/** When a certificate is renewed, and when a failed attempt is made again. Pure. */

const FIRST_RETRY_MS = 15 * 60_000;
const LAST_RETRY_MS = 24 * 3_600_000;

/**
 * After two thirds of its life, and up to a thirtieth of it earlier: certificates that began together do not all end up
 * with the issuer in the same minute.
 */
export function renewAt(life: { notBefore: number; notAfter: number }, name: string): number {
  const lengthMs = life.notAfter - life.notBefore;
  return life.notBefore + (lengthMs * 2) / 3 - (lengthMs / 30) * share(name);
}

/**
 * 15 minutes after the first failure, then twice as long each time, at most a day, and up to a quarter longer: below
 * the five failed validations an hour that Let's Encrypt allows for one name.
 */
export function retryDelayMs(failures: number, name: string): number {
  const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
  return delayMs * (1 + share(`${name} ${failures}`) / 4);
}

/** In [0, 1), the same for the same text: a worker that starts again comes to the same instants. */
function share(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

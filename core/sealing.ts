import {
  calculateJwkThumbprint,
  CompactEncrypt,
  compactDecrypt,
  decodeProtectedHeader,
  importJWK,
  type JWK,
} from "jose";
import * as z from "zod";
import { SlipwayError } from "./errors.ts";

/**
 * Secrets on their way from a person to a worker: a compact JWE (ECDH-ES with P-256, A256GCM) that only the holder of
 * the private key opens. Its protected header says whose secret it is, so that nobody can pass one off as another.
 */

const ALGORITHM = "ECDH-ES";
const ENCRYPTION = "A256GCM";
/** What a variable of a process may reasonably hold, once sealed. */
export const MAX_SEALED_LENGTH = 96 * 1024;
const COMPACT_JWE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+$/;

/** Whose secret it is: a project by its namespace, and the name that its services see. */
export type SecretAddress = { namespace: string; name: string };

/** The name under which the key of `domain`'s certificate is sealed: no variable has one like it. */
export function certificateSecret(domain: string): string {
  return `certificate:${domain}`;
}

export const vSealingKey = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  kid: z.string().min(1),
});
/** A public key to seal with. */
export type SealingKey = z.infer<typeof vSealingKey>;

const vHeader = z.object({
  alg: z.literal(ALGORITHM),
  enc: z.literal(ENCRYPTION),
  kid: z.string().min(1),
  slipway: z.object({ namespace: z.string(), name: z.string() }),
});

/** The public half of a private EC key, named by its thumbprint. */
export async function sealingKeyOf(jwk: JWK): Promise<SealingKey> {
  return vSealingKey.parse({ ...jwk, kid: await calculateJwkThumbprint(jwk) });
}

export async function sealSecret(key: SealingKey, address: SecretAddress, value: string): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(value))
    .setProtectedHeader({
      alg: ALGORITHM,
      enc: ENCRYPTION,
      kid: key.kid,
      slipway: { namespace: address.namespace, name: address.name },
    })
    .encrypt(await importJWK(key, ALGORITHM));
}

/**
 * What a sealed text says of itself, without opening it; null where it is none, so that plain text is never kept.
 */
export function readSeal(sealed: string): (SecretAddress & { kid: string }) | null {
  if (sealed.length > MAX_SEALED_LENGTH || !COMPACT_JWE.test(sealed)) return null;
  try {
    const header = vHeader.safeParse(decodeProtectedHeader(sealed));
    return header.success ? { ...header.data.slipway, kid: header.data.kid } : null;
  } catch {
    return null;
  }
}

/**
 * Opens a secret with whichever of `privateKeys` it was sealed for.
 * @throws SlipwayError `setup`, never with a word of the secret in it
 */
export async function openSecret(
  privateKeys: readonly JWK[],
  address: SecretAddress,
  sealed: string,
): Promise<string> {
  const seal = readSeal(sealed);
  const problem = (message: string, cause?: unknown) =>
    new SlipwayError(
      {
        code: "setup",
        message: `The secret ${address.name} of ${address.namespace} cannot be opened: ${message}.`,
        hint: "Set it again: slipway secret set.",
      },
      { cause },
    );
  if (!seal) throw problem("it is damaged");
  if (seal.namespace !== address.namespace || seal.name !== address.name) {
    throw problem(`it was sealed as ${seal.name} of ${seal.namespace}`);
  }
  for (const key of privateKeys) {
    if ((key.kid ?? (await calculateJwkThumbprint(key))) !== seal.kid) continue;
    try {
      const { plaintext } = await compactDecrypt(sealed, await importJWK(key, ALGORITHM), {
        keyManagementAlgorithms: [ALGORITHM],
        contentEncryptionAlgorithms: [ENCRYPTION],
      });
      return new TextDecoder().decode(plaintext);
    } catch (cause) {
      throw problem("it does not fit its key", cause);
    }
  }
  throw problem("this host does not have the key that it was sealed for");
}

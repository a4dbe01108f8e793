import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";

/** The credential of that name (`credentialName`), the same at every call. */
export type Credentials = (name: string) => Promise<string>;

const KEY_BYTES = 32;
const LENGTH = 32;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Credentials of attachments are never kept: each comes of this host's key and of what it is for. Whoever has the key
 * has them all; without it, a database that is there cannot be got into any more.
 * @param dataDir holds the key in `keys/attachments.key`
 */
export function credentialsFrom(dataDir: string): Credentials {
  let key: Promise<Buffer> | null = null;
  return async (name) => {
    key ??= readKey(join(dataDir, "keys", "attachments.key"));
    try {
      return deriveCredential(await key, name);
    } catch (error) {
      key = null;
      throw error;
    }
  };
}

/** 32 letters and digits: about 190 bits, and nothing that a URL or a shell would read. */
export function deriveCredential(key: Uint8Array, name: string): string {
  let number = BigInt(`0x${createHmac("sha256", key).update(name).digest("hex")}`);
  return Array.from({ length: LENGTH }, () => {
    const digit = Number(number % BigInt(ALPHABET.length));
    number /= BigInt(ALPHABET.length);
    return ALPHABET[digit]!;
  }).join("");
}

async function readKey(path: string): Promise<Buffer> {
  try {
    const key = Buffer.from((await readFile(path, "utf8")).trim(), "hex");
    if (key.length === KEY_BYTES) return key;
    throw new Error(`it holds ${key.length} bytes, not ${KEY_BYTES}`);
  } catch (error) {
    throw new SlipwayError(
      {
        code: "setup",
        message: `The key that credentials of attachments come of cannot be read from ${path}.`,
        hint: "`slipway up` makes it at its first start; restore it, or copy it from the machine where Slipway was set up.",
      },
      { cause: error },
    );
  }
}

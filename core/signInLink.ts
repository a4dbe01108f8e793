import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { SlipwayError } from "./errors.ts";

/**
 * A link that signs a browser in, once. Its code is in the part after `#`, which no browser sends; Convex keeps a token
 * that is sealed with a key made from the code, and a name for it that is made from the code too, from which neither
 * follows. Written with no WebCrypto, which a page over plain HTTP does not have.
 */

const CODE_BYTES = 32;
const NONCE_BYTES = 24;
const CODE = /^[0-9a-f]{64}$/;

/** How long a link is good for. */
export const SIGN_IN_TTL_MS = 600_000;

/** The path of the page that takes a code. */
export const SIGN_IN_PATH = "/sign-in";

/** 256 random bits, in hex. */
export function makeSignInCode(): string {
  return bytesToHex(randomBytes(CODE_BYTES));
}

/** By what Convex knows the code, in hex. */
export function signInCodeHash(code: string): string {
  return bytesToHex(derived(code, "slipway sign-in name"));
}

/** @param origin of the dashboard, like `http://localhost:8080` */
export function signInUrl(origin: string, code: string): string {
  return `${origin.replace(/\/+$/, "")}${SIGN_IN_PATH}#${code}`;
}

/** The code of a link's part after `#` (with it or without), or null where there is none. */
export function codeOfFragment(fragment: string): string | null {
  const code = fragment.replace(/^#/, "").trim().toLowerCase();
  return CODE.test(code) ? code : null;
}

/** `token` as only the code opens it, in hex. */
export function sealToken(code: string, token: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  return bytesToHex(concatBytes(nonce, cipher(code, nonce).encrypt(utf8ToBytes(token))));
}

/** @throws SlipwayError `bad_request` where `sealed` was not sealed with this code, or is damaged */
export function openToken(code: string, sealed: string): string {
  try {
    const bytes = hexToBytes(sealed);
    const nonce = bytes.subarray(0, NONCE_BYTES);
    return new TextDecoder("utf-8", { fatal: true }).decode(
      cipher(code, nonce).decrypt(bytes.subarray(NONCE_BYTES)),
    );
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "bad_request",
        message: "What this link brought is damaged.",
        hint: "slipway open makes another one.",
      },
      { cause },
    );
  }
}

function cipher(code: string, nonce: Uint8Array) {
  return xchacha20poly1305(derived(code, "slipway sign-in key"), nonce);
}

function derived(code: string, purpose: string): Uint8Array {
  return hkdf(sha256, hexToBytes(code), undefined, utf8ToBytes(purpose), 32);
}

/**
 * Document ids in Convex's own format: Crockford base32 of a varint table number, 16 random bytes and a
 * little-endian fletcher16 checksum over both. A table number below 128 gives 31 characters, others 32 or more.
 */
import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_BYTES = 16;
const CHECKSUM_BYTES = 2;
const MIN_ID_LENGTH = 31;
const MAX_ID_LENGTH = 37;

const decodeTable = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) decodeTable[ALPHABET.charCodeAt(i)] = i;

const pool = Buffer.alloc(4096);
let poolOffset = pool.length;

/** Copies fresh random bytes into `target` at `at`; drawn from a pool because a system call per id is slow. */
function fillRandom(target: Uint8Array, at: number): void {
  if (poolOffset + RANDOM_BYTES > pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  target.set(pool.subarray(poolOffset, poolOffset + RANDOM_BYTES), at);
  poolOffset += RANDOM_BYTES;
}

function fletcher16(bytes: Uint8Array, length: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < length; i++) {
    low = (low + bytes[i]!) % 255;
    high = (high + low) % 255;
  }
  return (high << 8) | low;
}

function encodeBase32(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET[(value << (5 - bits)) & 31] : out;
}

function decodeBase32(text: string): Uint8Array | null {
  const bytes = new Uint8Array((text.length * 5) >> 3);
  let bits = 0;
  let value = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const digit = code < 128 ? decodeTable[code]! : -1;
    if (digit < 0) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = value >>> bits;
      value &= (1 << bits) - 1;
    }
  }
  // Left-over bits must be zero, or two strings would name one document.
  return bits < 5 && value === 0 ? bytes : null;
}

/** A new random id in the table with number `tableNumber` (≥ 1). */
export function newId(tableNumber: number): string {
  const varint: number[] = [];
  let rest = tableNumber;
  while (rest >= 0x80) {
    varint.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  varint.push(rest);
  const bytes = new Uint8Array(varint.length + RANDOM_BYTES + CHECKSUM_BYTES);
  bytes.set(varint);
  fillRandom(bytes, varint.length);
  const checksum = fletcher16(bytes, bytes.length - CHECKSUM_BYTES);
  bytes[bytes.length - 2] = checksum & 0xff;
  bytes[bytes.length - 1] = checksum >>> 8;
  return encodeBase32(bytes);
}

/** The table number inside an id, or null when the text is no well-formed id (length, alphabet, checksum). */
export function tableNumberOf(id: string): number | null {
  if (id.length < MIN_ID_LENGTH || id.length > MAX_ID_LENGTH) return null;
  const bytes = decodeBase32(id);
  if (bytes === null) return null;
  const bodyLength = bytes.length - CHECKSUM_BYTES;
  if (fletcher16(bytes, bodyLength) !== ((bytes[bodyLength + 1]! << 8) | bytes[bodyLength]!)) return null;
  let tableNumber = 0;
  let shift = 0;
  let at = 0;
  for (;;) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) return null;
    tableNumber |= (byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) break;
    shift += 7;
  }
  return at + RANDOM_BYTES === bodyLength ? tableNumber >>> 0 : null;
}

/**
 * Order-preserving index keys. A key is a "binary string" (each UTF-16 unit is one byte, 0–255), because those
 * compare, concatenate and serve as Map keys natively; the driver turns them into BLOBs.
 * Comparing two keys byte by byte orders them as Convex's `compareValues` orders the values.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";

const TAG = {
  undefined: "\x01",
  null: "\x02",
  int64: "\x03",
  float64: "\x04",
  false: "\x05\x00",
  true: "\x05\x01",
  string: "\x06",
  bytes: "\x07",
  array: "\x08",
  object: "\x09",
} as const;

const END = "\x00";
/** Appended to a prefix, this sorts after every key that starts with the prefix (no tag reaches 0xFF). */
const AFTER = "\xff";
const MAX_INT64 = 2n ** 63n - 1n;

const scratch = Buffer.alloc(8);

function encodeFloat(value: number): string {
  scratch.writeDoubleBE(value);
  if (scratch[0]! & 0x80) {
    for (let i = 0; i < 8; i++) scratch[i] = ~scratch[i]! & 0xff;
  } else {
    scratch[0] = scratch[0]! ^ 0x80;
  }
  return scratch.toString("latin1", 0, 8);
}

function encodeInt(value: bigint): string {
  scratch.writeBigInt64BE(value);
  scratch[0] = scratch[0]! ^ 0x80;
  return scratch.toString("latin1", 0, 8);
}

const ASCII_WITHOUT_ZERO = /^[\x01-\x7f]*$/;

function encodeText(value: string): string {
  if (ASCII_WITHOUT_ZERO.test(value)) return value + END;
  return Buffer.from(value, "utf8").toString("latin1").replaceAll("\x00", "\x00\xff") + END;
}

/** The key of one value; `undefined` stands for a missing field. */
export function encodeValue(value: Value | undefined): string {
  switch (typeof value) {
    case "undefined":
      return TAG.undefined;
    case "bigint":
      return TAG.int64 + encodeInt(value);
    case "number":
      return TAG.float64 + encodeFloat(value);
    case "boolean":
      return value ? TAG.true : TAG.false;
    case "string":
      return TAG.string + encodeText(value);
    default:
      break;
  }
  if (value === null) return TAG.null;
  if (value instanceof CommitTsPlaceholder) return TAG.int64 + encodeInt(MAX_INT64);
  if (value instanceof ArrayBuffer) {
    return TAG.bytes + Buffer.from(value).toString("latin1").replaceAll("\x00", "\x00\xff") + END;
  }
  if (Array.isArray(value)) {
    let out: string = TAG.array;
    for (const element of value) out += encodeValue(element);
    return out + END;
  }
  const fields = value as Record<string, Value | undefined>;
  let out: string = TAG.object;
  for (const name of Object.keys(fields).sort()) {
    if (fields[name] !== undefined) out += TAG.string + encodeText(name) + encodeValue(fields[name]);
  }
  return out + END;
}

/** The key of a list of values, in order. */
export function encodeKey(values: readonly (Value | undefined)[]): string {
  let out = "";
  for (const value of values) out += encodeValue(value);
  return out;
}

/** The smallest key greater than every key that starts with `prefix`. */
export const afterPrefix = (prefix: string): string => prefix + AFTER;

/** The smallest key greater than `key` itself. */
export const justAfter = (key: string): string => key + END;

/** Reads a field by its dotted path (`a.b`); a missing step gives undefined. */
export function readField(document: Record<string, Value | undefined>, path: string): Value | undefined {
  if (!path.includes(".")) return document[path];
  let current: Value | undefined = document as Value;
  for (const step of path.split(".")) {
    if (typeof current !== "object" || current === null) return undefined;
    if (Array.isArray(current) || current instanceof ArrayBuffer) return undefined;
    current = Object.hasOwn(current, step) ? (current as Record<string, Value | undefined>)[step] : undefined;
  }
  return current;
}

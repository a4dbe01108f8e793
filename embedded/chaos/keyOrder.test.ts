/** Index keys must order exactly as Convex orders values, and prefixes must bound what begins with them. */
import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { afterPrefix, encodeKey, encodeValue, justAfter } from "../values/keys.ts";
import { fields } from "./arbitraries.ts";

const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 30_000);
/** A run that fails is repeated with the seed and path that it prints. */
const options = {
  numRuns,
  ...(process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) }),
};

const orderOf = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const orderOfBytes = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));

/** What follows a text, bytes or a list so closely that only their ends tell them apart. */
const ends = fc.constantFrom("\u0000", "\u0000\u0000", "\u0000\u0001", "\u0001", "\u00ff", "a", "");

function extend(value: Value | undefined, end: string): Value | undefined {
  if (typeof value === "string") return value + end;
  if (value instanceof ArrayBuffer)
    return new Uint8Array([...new Uint8Array(value), ...Buffer.from(end)]).buffer;
  if (Array.isArray(value)) return [...value, end];
  if (typeof value === "number") return value + end.length * Number.EPSILON;
  return value;
}

/** A value, and one that is often like it. */
const pairs = fc.oneof(
  fc.tuple(fields, fields),
  fc.tuple(fields, ends, ends).map(([value, a, b]) => [extend(value, a), extend(value, b)] as const),
);

test(`orders ${numRuns} random pairs as compareValues does, in memory and as bytes`, () => {
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      const [left, right] = [encodeValue(a), encodeValue(b)];
      const expected = Math.sign(compareValues(a, b));
      expect(orderOf(left, right)).toBe(expected);
      expect(orderOfBytes(left, right)).toBe(expected);
    }),
    options,
  );
});

test("orders lists of values field by field", () => {
  const next = fc.oneof(fields, fc.constantFrom(undefined, null, ""));
  fc.assert(
    fc.property(fc.array(pairs, { maxLength: 2 }), next, next, (started, lastA, lastB) => {
      const a = [...started.map(([value]) => value), lastA];
      const b = [...started.map(([, value]) => value), lastB];
      const expected =
        a.map((value, i) => Math.sign(compareValues(value, b[i]))).find((each) => each !== 0) ?? 0;
      expect(orderOf(encodeKey(a), encodeKey(b))).toBe(expected);
    }),
    { ...options, numRuns: Math.ceil(numRuns / 5) },
  );
});

test("keeps every key inside its own prefix, and no other", () => {
  fc.assert(
    fc.property(fields, fields, fields, (a, b, rest) => {
      const prefix = encodeValue(a);
      const key = encodeKey([b, rest]);
      const inside = prefix <= key && key < afterPrefix(prefix);
      expect(inside).toBe(compareValues(a, b) === 0);
      expect(justAfter(key) > key).toBe(true);
    }),
    { ...options, numRuns: Math.ceil(numRuns / 5) },
  );
});

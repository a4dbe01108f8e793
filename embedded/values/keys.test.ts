import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { afterPrefix, encodeKey, encodeValue, justAfter } from "./keys.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const fieldName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,4}$/);
const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1, 1.5),
  int64,
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "a", "a\0", "a\0b", "ab", "ÿ", "😀"),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => new Uint8Array(bytes).buffer),
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<Value>,
  ),
}));
const maybe = fc.option(value, { nil: undefined });

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

test("keys order as the values do", () => {
  fc.assert(
    fc.property(maybe, maybe, (a, b) => {
      expect(order(encodeValue(a), encodeValue(b))).toBe(Math.sign(compareValues(a, b)));
    }),
    { numRuns: 20_000 },
  );
});

test("lists of values order field by field", () => {
  fc.assert(
    fc.property(maybe, maybe, maybe, maybe, (a, b, c, d) => {
      const expected = Math.sign(compareValues(a, c)) || Math.sign(compareValues(b, d));
      expect(order(encodeKey([a, b]), encodeKey([c, d]))).toBe(expected);
    }),
    { numRuns: 5_000 },
  );
});

test("a prefix holds exactly the keys that begin with it", () => {
  fc.assert(
    fc.property(maybe, maybe, maybe, (a, b, other) => {
      const prefix = encodeKey([a]);
      const key = encodeKey([other, b]);
      const inside = prefix <= key && key < afterPrefix(prefix);
      expect(inside).toBe(compareValues(a, other) === 0);
    }),
    { numRuns: 5_000 },
  );
});

test("justAfter leaves room for nothing", () => {
  const key = encodeKey(["a", "id"]);
  expect(key < justAfter(key)).toBe(true);
  expect(justAfter(key) < encodeKey(["a", "ie"])).toBe(true);
});

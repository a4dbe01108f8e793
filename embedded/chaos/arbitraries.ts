/** Random Convex values, documents, queries and writes. */
import type { Value } from "convex/values";
import fc from "fast-check";
import type { Expression, QuerySpec, RangeStep, WriteSpec } from "../conformance/app/convex/spec.ts";

const numbers = fc.oneof(
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 5e-324, -5e-324, Number.MAX_VALUE, 2 ** 53),
);

const int64s = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n),
);

/** Well-formed text with the characters on which byte order and code unit order part. */
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.string({
    unit: fc.constantFrom("\u0000", "a", "\u007f", "\u0080", "\u07ff", "\uffff", "\u{10000}"),
    maxLength: 5,
  }),
);

const bytes = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 255), fc.integer({ min: 0, max: 255 })), { maxLength: 5 })
  .map((list): ArrayBuffer => new Uint8Array(list).buffer);

const fieldNames = fc
  .oneof(
    fc.constantFrom("a", "b", "aa", "A", "a b", "~"),
    fc.string({ unit: fc.constantFrom("a", "b", "Z", "0", " ", "_x"), minLength: 1, maxLength: 3 }),
  )
  .filter((name) => !name.startsWith("$") && !name.startsWith("_"));

const leaves = fc.oneof<fc.Arbitrary<Value>[]>(
  ...[fc.constant(null), numbers, int64s, fc.boolean(), texts, bytes],
);

/** Any value of Convex, nested a little. */
export const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaves,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fieldNames, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

/** A value, or the absence of a field. */
export const fields: fc.Arbitrary<Value | undefined> = fc.oneof(
  { weight: 9, arbitrary: values },
  fc.constant(undefined),
);

const GROUPS = ["g1", "g2", "g3"];
export const labels = fc.integer({ min: 0, max: 11 }).map((n) => `item ${n}`);
const ranks = fc.integer({ min: 0, max: 5 });
/** Few values of several types, so that ranges and equality have something to meet. */
const smallValues: fc.Arbitrary<Value> = fc.constantFrom<Value>(
  ...[null, -1n, 2n, 0, 1.5, false, true, "", "a", "b", [], [1], {}, { x: 1 }],
);

const document = (label: fc.Arbitrary<string>): fc.Arbitrary<Record<string, Value>> =>
  fc.record(
    {
      label,
      group: fc.constantFrom(...GROUPS),
      rank: ranks,
      value: smallValues,
      at: fc.record({ x: ranks, y: ranks }),
    },
    { requiredKeys: ["label"] },
  ) as fc.Arbitrary<Record<string, Value>>;

const changes = fc.record(
  { group: fc.constantFrom(...GROUPS), rank: ranks, value: smallValues },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, Value>>;

/** A write to `items`; labels repeat, and the first document that has one is meant. */
export const writes: fc.Arbitrary<WriteSpec> = fc.oneof(
  {
    weight: 4,
    arbitrary: document(labels).map((given): WriteSpec => ({
      op: "insert",
      table: "items",
      document: given,
    })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(labels, changes, fc.subarray(["group", "rank", "value"]))
      .map(([label, given, unset]): WriteSpec => {
        const removed = unset.filter((name) => !(name in given));
        return { op: "patch", table: "items", label, document: given, unset: removed };
      }),
  },
  {
    weight: 1,
    arbitrary: labels.chain((label) =>
      document(fc.constant(label)).map((given): WriteSpec => ({
        op: "replace",
        table: "items",
        label,
        document: given,
      })),
    ),
  },
  { weight: 2, arbitrary: labels.map((label): WriteSpec => ({ op: "delete", table: "items", label })) },
);

const bounds = (field: string, value: fc.Arbitrary<Value>): fc.Arbitrary<RangeStep[]> =>
  fc.oneof(
    fc.constant<RangeStep[]>([]),
    value.map((given): RangeStep[] => [{ op: "eq", field, value: given }]),
    fc
      .tuple(fc.constantFrom("gt", "gte"), value)
      .map(([op, given]): RangeStep[] => [{ op, field, value: given }]),
    fc
      .tuple(fc.constantFrom("lt", "lte"), value)
      .map(([op, given]): RangeStep[] => [{ op, field, value: given }]),
    fc
      .tuple(fc.constantFrom("gt", "gte"), value, fc.constantFrom("lt", "lte"), value)
      .map(([lower, low, upper, high]): RangeStep[] => [
        { op: lower, field, value: low },
        { op: upper, field, value: high },
      ]),
  );

const equality = (field: string, value: fc.Arbitrary<Value>): fc.Arbitrary<RangeStep> =>
  fc.oneof(
    { weight: 5, arbitrary: value.map((given): RangeStep => ({ op: "eq", field, value: given })) },
    { weight: 1, arbitrary: fc.constant<RangeStep>({ op: "eq", field, missing: true }) },
  );

const sources: fc.Arbitrary<Pick<QuerySpec, "index" | "range">> = fc.oneof(
  fc.constant({}),
  bounds("label", labels).map((range) => ({ index: "by_label", range })),
  fc
    .tuple(equality("group", fc.constantFrom(...GROUPS)), bounds("rank", ranks))
    .map(([first, rest]) => ({ index: "by_group_and_rank", range: [first, ...rest] })),
  bounds("group", fc.constantFrom(...GROUPS)).map((range) => ({ index: "by_group_and_rank", range })),
  bounds("value", smallValues).map((range) => ({ index: "by_value", range })),
  fc
    .tuple(equality("at.x", ranks), bounds("at.y", ranks))
    .map(([first, rest]) => ({ index: "by_at", range: [first, ...rest] })),
);

const field = (path: string): Expression => ({ op: "field", path });
const comparison = (op: "eq" | "neq", path: string, value: Value): Expression => ({
  ...{ op, left: field(path), right: { op: "literal", value } },
});

/** Conditions on which `convex-test` and Convex agree: equality of anything, order between fields always present. */
const conditions: fc.Arbitrary<Expression> = fc.letrec<{ it: Expression }>((tie) => ({
  it: fc.oneof(
    { maxDepth: 2 },
    fc
      .tuple(fc.constantFrom("eq", "neq"), fc.constantFrom(...GROUPS))
      .map(([op, value]) => comparison(op, "group", value)),
    fc.tuple(fc.constantFrom("eq", "neq"), smallValues).map(([op, value]) => comparison(op, "value", value)),
    fc
      .tuple(fc.constantFrom("lt", "lte", "gt", "gte"), labels)
      .map(([op, value]): Expression => ({ op, left: field("label"), right: { op: "literal", value } })),
    fc
      .tuple(fc.constantFrom("and", "or"), fc.array(tie("it"), { maxLength: 2 }))
      .map(([op, all]): Expression => ({ op, all })),
    tie("it").map((of): Expression => ({ op: "not", of })),
  ),
})).it;

const terminals: fc.Arbitrary<QuerySpec["terminal"]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<QuerySpec["terminal"]>({ kind: "collect" }) },
  fc.constant<QuerySpec["terminal"]>({ kind: "first" }),
  fc.constant<QuerySpec["terminal"]>({ kind: "unique" }),
  fc.constant<QuerySpec["terminal"]>({ kind: "count" }),
  fc.integer({ min: 0, max: 4 }).map((n): QuerySpec["terminal"] => ({ kind: "take", n })),
  fc.integer({ min: 1, max: 3 }).map((stopAfter): QuerySpec["terminal"] => ({ kind: "iterate", stopAfter })),
);

/** A query over `items`. */
export const queries: fc.Arbitrary<QuerySpec> = fc
  .record(
    {
      source: sources,
      order: fc.constantFrom<("asc" | "desc")[]>("asc", "desc"),
      filter: conditions,
      terminal: terminals,
    },
    { requiredKeys: ["source", "terminal"] },
  )
  .map(({ source, ...rest }): QuerySpec => ({ table: "items", ...source, ...rest }));

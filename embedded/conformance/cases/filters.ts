/** `.filter()`: conditions, arithmetic, and values of every type. */
import type { Value } from "convex/values";
import type { Expression } from "../app/convex/spec.ts";
import type { Area, Case } from "../case.ts";
import { byGroup, compare, field, inGroup, labels, literal, seed, withValues } from "./items.ts";

const FILTERS: [string, Expression][] = [
  ["eq", compare("eq", "group", "g1")],
  ["neq", compare("neq", "group", "g1")],
  ["lt", compare("lt", "rank", 2)],
  ["lte", compare("lte", "rank", 2)],
  ["gt", compare("gt", "rank", 2)],
  ["gte", compare("gte", "rank", 2)],
  ["and", { op: "and", all: [compare("eq", "group", "g1"), compare("gt", "rank", 1)] }],
  ["or", { op: "or", all: [compare("eq", "label", "a"), compare("eq", "label", "d")] }],
  ["not", { op: "not", of: compare("eq", "group", "g1") }],
  ["a nested field", compare("eq", "at.x", 1)],
  ["a missing field", { op: "eq", left: field("at.y"), right: { op: "literal", missing: true } }],
  ["two fields", { op: "lt", left: field("at.y"), right: field("at.x") }],
  ["no condition in and", { op: "and", all: [] }],
  ["no condition in or", { op: "or", all: [] }],
];

const arithmetic = (op: "add" | "sub" | "mul" | "div" | "mod"): Expression => ({
  op: "and",
  all: [
    compare("eq", "group", "g1"),
    { op: "gte", left: { op, left: field("rank"), right: literal(2) }, right: literal(1) },
  ],
});

const cases: Case[] = [
  ...FILTERS.map(([name, filter]): Case => ({
    name: `filters: ${name}`,
    run: async (t) => (await seed(t), await labels(t, { filter })),
    ...(["lt", "lte"].includes(name)
      ? {
          expected: { lt: "a d e", lte: "a b d e g" }[name],
          convexTest: {
            differs: "it compares a missing field as JavaScript does, not by Convex's order of types",
          },
        }
      : {}),
    ...(name === "two fields"
      ? {
          expected: "a g",
          convexTest: {
            differs: "it compares a missing field as JavaScript does, not by Convex's order of types",
          },
        }
      : {}),
  })),
  ...(["add", "sub", "mul", "div", "mod"] as const).map((op): Case => ({
    name: `filters by arithmetic: ${op}`,
    run: async (t) => (
      await seed(t),
      await labels(t, { ...byGroup, range: [inGroup("g1")], filter: arithmetic(op) })
    ),
  })),
  {
    name: "filters by a negated number",
    run: async (t) => {
      await seed(t);
      const filter: Expression = { op: "lt", left: { op: "neg", of: field("rank") }, right: literal(-2) };
      return await labels(t, { ...byGroup, range: [inGroup("g1")], filter });
    },
    expected: "c",
    convexTest: { lacks: "it does not implement `neg`" },
  },
  {
    name: "filters within an index range, in its order",
    run: async (t) => {
      await seed(t);
      return await labels(t, {
        ...byGroup,
        range: [inGroup("g1")],
        order: "desc",
        filter: compare("neq", "label", "b"),
      });
    },
    expected: "c g a",
  },
  {
    name: "compares arrays, objects and bytes in filters by value",
    run: async (t) => {
      await seed(t, withValues([[1, [2]], { a: { b: 1 } }, new Uint8Array([7]).buffer, 1n, 1, NaN]));
      const equal = (value: Value) => labels(t, { filter: compare("eq", "value", value) });
      return [
        await equal([1, [2]]),
        await equal({ a: { b: 1 } }),
        await equal(new Uint8Array([7]).buffer),
        await equal(1n),
        await equal(1),
        await equal(NaN),
      ];
    },
    expected: ["00", "01", "02", "03", "04", "05"],
  },
];

export const filters: Area = { area: "filters", cases };

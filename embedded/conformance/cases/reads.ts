/** Queries: indexes, ranges, order, the ways to end one. */
import type { Value } from "convex/values";
import { api } from "../app/convex/_generated/api.js";
import type { QuerySpec, RangeStep } from "../app/convex/spec.ts";
import type { Area, Case } from "../case.ts";
import { attempt } from "../errorClass.ts";
import { byGroup, compare, find, inGroup, labels, rank, seed, withValues } from "./items.ts";

/** One value of each type, in Convex's order. */
const ORDERED: (Value | undefined)[] = [
  ...[undefined, null, -5n, 3n, -Infinity, -1.5, -0, 0, 2, Infinity, NaN],
  ...[false, true, "", "B", "a", "aa", "ä", new Uint8Array([1]).buffer, [], [1], [1, 2], [2], {}, { a: 1 }],
];

const RANGES: [string, RangeStep[], string][] = [
  ["everything", [], "f a b g c e d"],
  ["a prefix", [inGroup("g1")], "a b g c"],
  ["a missing field", [{ op: "eq", field: "group", missing: true }], "f"],
  ["greater than", [inGroup("g1"), rank("gt", 1)], "b g c"],
  ["greater or equal", [inGroup("g1"), rank("gte", 2)], "b g c"],
  ["less than", [inGroup("g1"), rank("lt", 2)], "a"],
  ["less or equal", [inGroup("g1"), rank("lte", 2)], "a b g"],
  ["between", [inGroup("g1"), rank("gt", 1), rank("lt", 3)], "b g"],
  ["an upper bound before a lower one", [inGroup("g1"), rank("lte", 2), rank("gte", 2)], "b g"],
  ["nothing", [inGroup("g1"), rank("gt", 2), rank("lt", 2)], ""],
  ["less than, where missing sorts first", [inGroup("g2"), rank("lt", 1)], "e"],
  ["the first field's range", [{ op: "gt", field: "group", value: "g1" }], "e d"],
];

const BAD_RANGES: [string, RangeStep[]][] = [
  ["a field out of turn", [rank("eq", 1)]],
  ["an equality after a bound", [{ op: "gt", field: "group", value: "a" }, rank("eq", 1)]],
  ["bounds on two fields", [{ op: "gt", field: "group", value: "a" }, rank("lt", 1)]],
  ["two lower bounds", [inGroup("g1"), rank("gt", 1), rank("gte", 2)]],
  ["an unknown field", [{ op: "eq", field: "nonsense", value: 1 }]],
];

const indexCases: Case[] = [
  ...RANGES.flatMap(([name, range, expected]): Case[] => [
    {
      name: `reads a range of an index: ${name}`,
      run: async (t) => (await seed(t), await labels(t, { ...byGroup, range })),
      expected,
    },
    {
      name: `reads it backwards: ${name}`,
      run: async (t) => (await seed(t), await labels(t, { ...byGroup, range, order: "desc" })),
      expected: expected.split(" ").reverse().join(" "),
    },
  ]),
  ...BAD_RANGES.map(([name, range]): Case => ({
    name: `refuses an index range with ${name}`,
    run: async (t) => (await seed(t), await attempt(() => labels(t, { ...byGroup, range }))),
    expected: { error: "index" },
  })),
  {
    name: "refuses an index that does not exist",
    run: (t) => attempt(() => labels(t, { index: "by_nothing" })),
    expected: { error: "index" },
  },
  {
    name: "orders values of all types as Convex does",
    run: async (t) => {
      const shuffled = withValues(ORDERED).map((_, i, all) => all[(i * 7) % all.length]!);
      await seed(t, shuffled);
      return [await labels(t, { index: "by_value" }), await labels(t, { index: "by_value", order: "desc" })];
    },
    expected: [
      ORDERED.map((_, i) => String(i).padStart(2, "0")).join(" "),
      ORDERED.map((_, i) => String(i).padStart(2, "0"))
        .reverse()
        .join(" "),
    ],
  },
  {
    name: "compares across types in an index range",
    run: async (t) => {
      await seed(t, withValues(ORDERED));
      const range = (op: RangeStep["op"], value: Value) =>
        labels(t, { index: "by_value", range: [{ op, field: "value", value }] });
      return [
        await range("lt", 0),
        await range("gte", "a"),
        await range("gt", true),
        await range("eq", null),
      ];
    },
  },
  {
    name: "reads an index over nested fields",
    run: async (t) => {
      await seed(t);
      return [
        await labels(t, { index: "by_at" }),
        await labels(t, { index: "by_at", range: [{ op: "eq", field: "at.x", value: 1 }] }),
      ];
    },
    expected: ["d e f b a c g", "a c"],
  },
  {
    name: "reads by creation time and by id",
    run: async (t) => {
      await seed(t);
      const byId = (await find(t, { table: "items", index: "by_id", terminal: { kind: "collect" } })) as {
        _id: string;
      }[];
      const sorted = byId.every(({ _id }, i) => i === 0 || byId[i - 1]!._id < _id);
      return [await labels(t, { index: "by_creation_time" }), sorted, byId.length];
    },
    expected: ["c a b d e f g", true, 7],
  },
  {
    name: "scans a table in the order of creation",
    run: async (t) => (await seed(t), [await labels(t, {}), await labels(t, { order: "desc" })]),
    expected: ["c a b d e f g", "g f e d b a c"],
  },
];

const endingCases: Case[] = [
  {
    name: "ends queries in every way",
    run: async (t) => {
      await seed(t);
      const end = (terminal: QuerySpec["terminal"]) =>
        find(t, { table: "items", ...byGroup, range: [inGroup("g1")], terminal });
      return [
        await end({ kind: "first" }),
        await end({ kind: "take", n: 2 }),
        await end({ kind: "take", n: 0 }),
        await end({ kind: "take", n: 99 }),
        await end({ kind: "count" }),
        await end({ kind: "iterate", stopAfter: 2 }),
      ];
    },
  },
  {
    name: "finds nothing where nothing is",
    run: async (t) => {
      const end = (kind: "first" | "unique" | "collect") =>
        find(t, {
          table: "items",
          index: "by_label",
          range: [{ op: "eq", field: "label", value: "none" }],
          terminal: { kind },
        });
      return [await end("first"), await end("unique"), await end("collect")];
    },
    expected: [null, null, []],
  },
  {
    name: "finds the unique one, and complains of two",
    run: async (t) => {
      await seed(t);
      const unique = (range: RangeStep[]) =>
        attempt(() => find(t, { table: "items", ...byGroup, range, terminal: { kind: "unique" } }));
      return [await unique([inGroup("g1"), rank("eq", 3)]), await unique([inGroup("g1"), rank("eq", 2)])];
    },
    expected: [
      {
        ok: { _creationTime: "<time>", _id: "<id 1>", at: { x: 1, y: 2 }, group: "g1", label: "c", rank: 3 },
      },
      { error: "notUnique" },
    ],
  },
  {
    name: "filters before it takes",
    run: async (t) => {
      await seed(t);
      const found = await find(t, {
        table: "items",
        filter: compare("eq", "group", "g2"),
        terminal: { kind: "take", n: 1 },
      });
      return found;
    },
  },
  {
    name: "reads its own table inside a loop over it",
    run: async (t) => (await seed(t), await t.query(api.rows.interleaved, { group: "g1" })),
    expected: ["ac", "ag", "ab", "aa", "bc", "bg", "bb", "gc", "gg", "cc"],
  },
  {
    name: "answers several queries in one snapshot",
    run: async (t) => {
      await seed(t);
      const spec: QuerySpec = { table: "items", terminal: { kind: "count" } };
      return await t.query(api.rows.findAll, { specs: [spec, spec, spec] });
    },
    expected: [7, 7, 7],
  },
];

export const reads: Area = { area: "reads", cases: [...indexCases, ...endingCases] };

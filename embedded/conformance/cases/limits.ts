/** Convex's limits of a transaction and of a value (FACTS.md A). */
import { api } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import type { Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

const lacks = { lacks: "its limits are off unless asked for, and count otherwise" };
const MIB = 1 << 20;

const COUNT = { table: "loose", terminal: { kind: "count" } };
const nothingStayed = (t: Driver) => t.query(api.rows.find, { spec: COUNT });

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

const cases: Case[] = [
  {
    name: "refuses a document of more than 1 MiB, and stores one a little smaller",
    run: async (t) => [
      await attempt(() => t.mutation(api.limits.insertMany, { count: 1, bytes: MIB + 1 })),
      await t.mutation(api.limits.insertMany, { count: 1, bytes: MIB - 2_000 }),
    ],
    expected: [{ error: "limit" }, 1],
    convexTest: lacks,
  },
  {
    name: "refuses arrays of more than 8,192 elements",
    run: async (t) => [
      await attempt(() => t.query(api.limits.longArray, { length: 8_193 })),
      (await t.query(api.limits.longArray, { length: 8_192 })).length,
      await attempt(() => t.query(api.values.describe, { value: Array.from({ length: 8_193 }, () => 0) })),
    ],
    expected: [{ error: "limit" }, 8_192, { error: "arguments" }],
    convexTest: lacks,
  },
  {
    name: "refuses values nested more than 64 deep",
    run: async (t) => [
      await attempt(() => t.query(api.limits.deep, { depth: 70 })),
      "ok" in ((await attempt(() => t.query(api.limits.deep, { depth: 60 }))) as object),
      await attempt(() => t.query(api.values.describe, { value: nested(70) })),
    ],
    expected: [{ error: "limit" }, true, { error: "arguments" }],
    convexTest: lacks,
  },
  {
    name: "refuses more than 16,000 writes in a mutation",
    heavy: true,
    run: async (t) => [
      await attempt(() => t.mutation(api.limits.insertMany, { count: 16_001, bytes: 1 })),
      await nothingStayed(t),
    ],
    expected: [{ error: "limit" }, 0],
    convexTest: lacks,
  },
  {
    name: "refuses more than 16 MiB written in a mutation",
    run: async (t) => [
      await attempt(() => t.mutation(api.limits.insertMany, { count: 18, bytes: 1_000_000 })),
      await nothingStayed(t),
    ],
    expected: [{ error: "limit" }, 0],
    convexTest: lacks,
  },
  {
    name: "refuses more than 16 MiB read in a query",
    heavy: true,
    run: async (t) => {
      for (let i = 0; i < 2; i++) await t.mutation(api.limits.insertMany, { count: 10, bytes: 900_000 });
      return await attempt(() => t.query(api.limits.readAll, {}));
    },
    expected: { error: "limit" },
    convexTest: lacks,
  },
  {
    name: "refuses more than 32,000 documents read in a query",
    heavy: true,
    run: async (t) => {
      for (let i = 0; i < 5; i++) await t.mutation(api.limits.insertMany, { count: 6_500, bytes: 1 });
      return await attempt(() => t.query(api.limits.readAll, {}));
    },
    expected: { error: "limit" },
    convexTest: lacks,
  },
  {
    name: "refuses more than 4,096 index ranges in a function",
    run: async (t) => [
      await attempt(() => t.query(api.limits.manyQueries, { count: 4_097 })),
      await t.query(api.limits.manyQueries, { count: 1_000 }),
    ],
    expected: [{ error: "limit" }, 1_000],
    convexTest: lacks,
  },
  {
    name: "refuses more than 1,000 scheduled functions in a mutation",
    run: async (t) => [
      await attempt(() => t.mutation(api.scheduling.many, { count: 1_001 })),
      await t.query(api.scheduling.unfinished, {}),
    ],
    expected: [{ error: "limit" }, 0],
    convexTest: lacks,
  },
  {
    name: "refuses a result of more than 16 MiB, and gives one of 10",
    run: async (t) => [
      "error" in ((await attempt(() => t.query(api.limits.bigResult, { bytes: 17 * MIB }))) as object),
      (await t.query(api.limits.bigResult, { bytes: 10e6 })).length,
    ],
    expected: [true, 10],
    convexTest: lacks,
  },
];

export const limits: Area = { area: "limits", cases };

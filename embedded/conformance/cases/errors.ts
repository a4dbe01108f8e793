/** Errors of each class, and what a function may not do. */
import { makeFunctionReference } from "convex/server";
import { api, internal } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import { attempt } from "../errorClass.ts";

const COUNT = { table: "items", terminal: { kind: "count" } };

const THROWN: [string, unknown][] = [
  ["error", { error: "thrown", text: "a plain error" }],
  ["typeError", { error: "thrown", text: "TypeError: Cannot read properties of undefined (reading 'x')" }],
  ["rangeError", { error: "thrown", text: "RangeError: out of range" }],
];

const DATA = ["text", { code: 4, nested: [1n, null] }, null, 17, [new Uint8Array([1, 2]).buffer]];

const asQuery = (name: string) => makeFunctionReference<"query", Record<string, never>>(name);

const cases: Case[] = [
  ...THROWN.map(([what, expected]): Case => ({
    name: `reports what was thrown: ${what}`,
    run: async (t) => [
      await attempt(() => t.query(api.errors.inQuery, { what })),
      await attempt(() => t.mutation(api.errors.inMutation, { what })),
      await attempt(() => t.action(api.errors.inAction, { what })),
      await t.query(api.rows.find, { spec: COUNT }),
    ],
    expected: [expected, expected, expected, 0],
  })),
  ...DATA.map((data): Case => ({
    name: `carries a ConvexError's data: ${typeof data === "object" ? JSON.stringify(data, (_, v: unknown) => (typeof v === "bigint" ? "n" : v)) : data}`,
    run: async (t) => [
      await attempt(() => t.query(api.errors.inQuery, { what: "convex", data })),
      await attempt(() => t.mutation(api.errors.inMutation, { what: "convex", data })),
      await attempt(() => t.action(api.errors.inAction, { what: "convex", data })),
    ],
  })),
  {
    name: "does not know functions that are not there",
    run: (t) =>
      Promise.all([
        attempt(() => t.query(asQuery("values:nothing"), {})),
        attempt(() => t.query(asQuery("nowhere:nothing"), {})),
      ]),
    expected: [{ error: "notFound" }, { error: "notFound" }],
  },
  {
    name: "keeps internal functions from the public",
    run: async (t) => [
      await attempt(() => t.query(internal.errors.hidden, {})),
      await t.internal.query(internal.errors.hidden, {}),
    ],
    expected: [{ error: "notFound" }, "internal"],
    convexTest: { differs: "its test functions may call everything" },
  },
  {
    name: "refuses a function called as another kind",
    run: (t) =>
      Promise.all([
        attempt(() => t.query(asQuery("nested:seesWrites"), {})),
        attempt(() =>
          t.mutation(makeFunctionReference<"mutation", Record<string, never>>("values:noArgs"), {}),
        ),
        attempt(() => t.action(makeFunctionReference<"action", Record<string, never>>("values:noArgs"), {})),
      ]),
    expected: [{ error: "wrongKind" }, { error: "wrongKind" }, { error: "wrongKind" }],
  },
  {
    name: "forbids fetch and timers in queries and mutations",
    run: async (t) => [
      await attempt(() => t.query(api.errors.fetchInQuery, {})),
      await attempt(() => t.mutation(api.errors.fetchInMutation, {})),
      await attempt(() => t.query(api.errors.timerInQuery, {})),
      await t.query(api.rows.find, { spec: COUNT }),
    ],
    expected: [{ error: "forbidden" }, { error: "forbidden" }, { error: "forbidden" }, 0],
  },
  {
    name: "forbids writes in queries",
    run: (t) => attempt(() => t.query(api.errors.writeInQuery, {})),
    expected: { error: "forbidden" },
  },
  {
    name: "stands the clock still while a query runs",
    run: (t) => t.query(api.errors.clock, {}),
    expected: { random: true, recent: true, same: true, spun: true },
    convexTest: { lacks: "its clock goes on" },
  },
  {
    name: "stops functions that do not end",
    heavy: true,
    // By embedded/backend.test.ts.
    slow: "shown elsewhere",
    run: async (t) => [
      await attempt(() => t.query(api.errors.spin, {})),
      await attempt(() => t.mutation(api.errors.spinInMutation, {})),
      await t.query(api.rows.find, { spec: COUNT }),
      await t.query(api.values.noArgs, {}),
    ],
    expected: [{ error: "timeout" }, { error: "timeout" }, 0, "none"],
    convexTest: { lacks: "it has no time limit" },
  },
  {
    name: "stops functions that wait for nothing",
    run: async (t) => {
      const outcome = (await attempt(() => t.query(api.errors.hang, {}))) as { error?: string };
      return [outcome.error !== undefined, await t.query(api.values.noArgs, {})];
    },
    expected: [true, "none"],
    convexTest: { lacks: "it has no time limit" },
  },
  {
    name: "stops a regular expression that never ends",
    heavy: true,
    run: async (t) => [
      await attempt(() => t.query(api.hostile.backtrack, {})),
      await t.query(api.values.noArgs, {}),
    ],
    expected: [{ error: "timeout" }, "none"],
    convexTest: { lacks: "it has no time limit" },
  },
  {
    name: "gives functions one second of their own",
    run: async (t) => [
      await t.query(api.hostile.busy, { rounds: 1e6 }),
      await attempt(() => t.query(api.hostile.busy, { rounds: 3e9 })),
    ],
    expected: [true, { error: "timeout" }],
    convexTest: { lacks: "it has no time limit" },
  },
  {
    name: "survives a function that overflows its stack",
    run: async (t) => [
      await attempt(() => t.query(api.hostile.overflow, {})),
      await t.query(api.values.noArgs, {}),
    ],
    expected: [{ error: "thrown", text: "RangeError: Maximum call stack size exceeded" }, "none"],
    convexTest: { lacks: "its overflow is the test's own" },
  },
  {
    name: "keeps a write out that comes after the function's end",
    run: async (t) => {
      const ended = await t.mutation(api.errors.unawaitedWrite, {});
      await t.mutation(api.rows.insert, { table: "items", document: { label: "later" } });
      return [ended, await t.query(api.rows.find, { spec: COUNT })];
    },
    expected: ["ended", 1],
    convexTest: { lacks: "it waits for nobody, and its write then fails or lands by chance" },
  },
];

export const errors: Area = { area: "errors", cases };

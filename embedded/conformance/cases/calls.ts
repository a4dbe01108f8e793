/** Functions that call functions: nested transactions and actions. */
import { api, internal } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import { attempt } from "../errorClass.ts";

const LABELS = { table: "items", terminal: { kind: "collect" } };

const nestedCases: Case[] = [
  {
    name: "runs a query in a query",
    run: async (t) => {
      await t.mutation(api.rows.insert, { table: "items", document: { label: "x" } });
      return await t.query(api.nested.queryInQuery, {});
    },
    expected: ["x"],
  },
  {
    name: "shows a child its parent's writes, and the parent its child's",
    run: (t) => t.mutation(api.nested.seesWrites, {}),
    expected: [["parent before"], ["parent before", "child"]],
  },
  {
    name: "rolls a failed child back, and nothing else",
    run: async (t) => [
      await t.mutation(api.nested.partialRollback, {}),
      (await t.internal.query(internal.nested.labels, {})).length,
    ],
    expected: [
      { caught: { data: { label: "lost", reason: "asked to fail" } }, labels: ["before", "after"] },
      2,
    ],
  },
  {
    name: "rolls a child back with the grandchild that failed",
    run: (t) => t.mutation(api.nested.deepRollback, {}),
    expected: ["kept 1", "kept 2"],
  },
  {
    name: "keeps children that were started together apart",
    run: (t) => t.mutation(api.nested.parallelChildren, {}),
    expected: { labels: ["one", "three"], outcomes: ["fulfilled", "rejected", "fulfilled"] },
  },
  {
    name: "keeps what the parent writes while a child runs and fails",
    run: async (t) => [
      await t.mutation(api.nested.parentWritesMeanwhile, {}),
      (await t.internal.query(internal.nested.labels, {})).sort(),
    ],
    expected: [
      ["afterwards", "meanwhile"],
      ["afterwards", "meanwhile"],
    ],
  },
  {
    name: "fails with a child that fails",
    run: async (t) => [
      await attempt(() => t.mutation(api.nested.childFails, {})),
      await t.query(api.rows.find, { spec: LABELS }),
    ],
    expected: [{ data: { label: "lost", reason: "asked to fail" }, error: "convexError" }, []],
  },
  {
    name: "checks a child's arguments",
    run: (t) => attempt(() => t.mutation(api.nested.wrongChildArgs, {})),
    expected: { error: "arguments" },
  },
  {
    name: "calls itself several times over",
    run: (t) => t.mutation(api.nested.startRecursion, { depth: 7 }),
    expected: 7,
  },
];

const actionCases: Case[] = [
  {
    name: "reads and writes from an action",
    run: (t) => t.action(api.actions.readAndWrite, { label: "a" }),
    expected: ["a"],
  },
  {
    name: "keeps an action's finished mutations when a later one fails",
    run: async (t) => [
      await t.action(api.actions.failHalfway, {}),
      await t.internal.query(internal.nested.labels, {}),
    ],
    expected: ['{"label":"goes","reason":"asked to fail"}', ["stays"]],
  },
  {
    name: "runs an action in an action",
    run: (t) => t.action(api.actions.outer, { n: 21 }),
    expected: 42,
  },
  {
    name: "runs mutations from an action in parallel",
    run: (t) => t.action(api.actions.parallel, { labels: ["x", "y", "z"] }),
    expected: ["x", "y", "z"],
  },
  { name: "waits in an action", run: (t) => t.action(api.actions.wait, { ms: 5 }), expected: "waited" },
  {
    name: "fetches in an action",
    run: (t) => t.action(api.actions.fetchText, { url: "data:text/plain,hello" }),
    expected: "hello",
  },
  {
    name: "runs actions on Node",
    run: async (t) => {
      await t.mutation(api.rows.insert, { table: "items", document: { label: "n" } });
      return [
        await t.action(api.nodeActions.sha256, { text: "a" }),
        await t.action(api.nodeActions.labels, {}),
      ];
    },
    expected: ["ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", ["n"]],
  },
];

export const calls: Area = { area: "calls", cases: [...nestedCases, ...actionCases] };

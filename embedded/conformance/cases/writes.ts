/** Inserts, patches, replacements, deletions, ids, and what a transaction sees of its own writes. */
import { api } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import type { Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

const insert = (t: Driver, document: object, table = "loose"): Promise<string> =>
  t.mutation(api.rows.insert, { table, document });

const COUNT = { table: "items", terminal: { kind: "count" } };

const cases: Case[] = [
  {
    name: "inserts and reads back",
    run: async (t) => {
      const id = await insert(t, { a: 1, nested: { b: [1n, null] } });
      return [id, await t.query(api.rows.get, { id })];
    },
  },
  {
    name: "gives each document an id and a rising creation time",
    run: async (t) => {
      const writes = Array.from({ length: 20 }, (_, i) => ({
        op: "insert",
        table: "items",
        document: { label: String(i) },
      }));
      const ids = await t.mutation(api.rows.write, { writes });
      const spec = { table: "items", terminal: { kind: "collect" } };
      const rows = (await t.query(api.rows.find, { spec })) as { _id: string; _creationTime: number }[];
      const rising = rows.every(
        ({ _creationTime }, i) => i === 0 || rows[i - 1]!._creationTime < _creationTime,
      );
      return [new Set(ids).size, rising, rows.map(({ _id }) => _id).join() === ids.join()];
    },
    expected: [20, true, true],
  },
  {
    name: "patches: merges top-level fields, removes undefined ones",
    run: async (t) => {
      const id = await insert(t, { a: 1, b: { c: 1, d: 2 }, e: "gone" });
      return await t.mutation(api.rows.patch, {
        id,
        fields: { b: { c: 9 }, f: null },
        unset: ["e", "never there"],
      });
    },
    expected: { _creationTime: "<time>", _id: "<id 1>", a: 1, b: { c: 9 }, f: null },
  },
  {
    name: "replaces: everything but the id and the creation time",
    run: async (t) => {
      const id = await insert(t, { a: 1, b: 2 });
      return await t.mutation(api.rows.replace, { id, document: { c: 3 } });
    },
    expected: { _creationTime: "<time>", _id: "<id 1>", c: 3 },
  },
  {
    name: "replaces with the document as it was read",
    run: async (t) => {
      const id = await insert(t, { a: 1 });
      const document = await t.query(api.rows.get, { id });
      return await t.mutation(api.rows.replace, { id, document: { ...document, a: 2 } });
    },
    expected: { _creationTime: "<time>", _id: "<id 1>", a: 2 },
  },
  {
    name: "refuses to change ids and creation times",
    run: async (t) => {
      const [id, other] = [await insert(t, { a: 1 }), await insert(t, { a: 2 })];
      const refused = async (call: () => Promise<unknown>) => "error" in ((await attempt(call)) as object);
      return [
        await refused(() => t.mutation(api.rows.patch, { id, fields: { _id: other } })),
        await refused(() => t.mutation(api.rows.patch, { id, fields: { _creationTime: 1 } })),
        await refused(() => t.mutation(api.rows.replace, { id, document: { _id: other } })),
      ];
    },
    expected: [true, true, true],
  },
  {
    name: "deletes once",
    run: async (t) => {
      const id = await insert(t, { a: 1 });
      return [
        await t.mutation(api.rows.remove, { id }),
        await t.query(api.rows.get, { id }),
        await attempt(() => t.mutation(api.rows.remove, { id })),
      ];
    },
    expected: [null, null, { error: "noDocument" }],
  },
  {
    name: "refuses to patch or replace what is gone",
    run: async (t) => {
      const id = await insert(t, { a: 1 });
      await t.mutation(api.rows.remove, { id });
      return [
        await attempt(() => t.mutation(api.rows.patch, { id, fields: { a: 2 } })),
        await attempt(() => t.mutation(api.rows.replace, { id, document: { a: 2 } })),
      ];
    },
    expected: [{ error: "noDocument" }, { error: "noDocument" }],
  },
  {
    name: "refuses ids that are none",
    run: (t) => attempt(() => t.query(api.rows.get, { id: "not an id" })),
    expected: { error: "id" },
    convexTest: { differs: "it answers null for a malformed id" },
  },
  {
    name: "checks the table that is named with an id",
    run: async (t) => {
      const id = await insert(t, { a: 1 });
      return [
        await t.query(api.rows.getFrom, { table: "loose", id }),
        await attempt(() => t.query(api.rows.getFrom, { table: "items", id })),
      ];
    },
    expected: [{ _creationTime: "<time>", _id: "<id 1>", a: 1 }, { error: "id" }],
  },
  {
    name: "normalizes ids",
    run: async (t) => {
      const id = await insert(t, { a: 1 });
      await insert(t, { label: "x" }, "items");
      const normalize = (table: string, text: string) => t.query(api.rows.normalize, { table, id: text });
      return [
        await normalize("loose", id),
        await normalize("items", id),
        await normalize("loose", "nonsense"),
      ];
    },
    expected: ["<id 1>", null, null],
  },
  {
    name: "sees its own writes in indexes",
    run: async (t) => {
      const insertOne = (label: string, rank: number) => ({
        ...{ op: "insert", table: "items" },
        document: { label, group: "g", rank },
      });
      await t.mutation(api.rows.write, {
        writes: [insertOne("old", 2), insertOne("moved", 5), insertOne("gone", 3)],
      });
      const found = await t.mutation(api.rows.writeThenFind, {
        writes: [
          insertOne("new", 1),
          { op: "patch", table: "items", label: "moved", document: { rank: 0 } },
          { op: "delete", table: "items", label: "gone" },
        ],
        spec: {
          ...{ table: "items", index: "by_group_and_rank", terminal: { kind: "collect" } },
          range: [{ op: "eq", field: "group", value: "g" }],
        },
      });
      return (found as { label: string }[]).map(({ label }) => label);
    },
    expected: ["moved", "new", "old"],
  },
  {
    name: "keeps nothing of a mutation that throws",
    run: async (t) => {
      const writes = [{ op: "insert", table: "items", document: { label: "lost" } }];
      return [
        await attempt(() => t.mutation(api.rows.write, { writes, thenThrow: true })),
        await t.query(api.rows.find, { spec: COUNT }),
      ];
    },
    expected: [{ error: "thrown", text: "after the writes" }, 0],
  },
  {
    name: "sees a row that it inserts ahead of a running query",
    run: async (t) => {
      const writes = ["a", "b"].map((label, i) => ({
        ...{ op: "insert", table: "items" },
        document: { label, group: "g", rank: i + 1 },
      }));
      await t.mutation(api.rows.write, { writes });
      return await t.mutation(api.rows.writeWhileReading, { group: "g" });
    },
    expected: ["a", "inserted", "b"],
    convexTest: { differs: "it collects a query's rows when the query starts" },
  },
  {
    name: "serializes mutations that race on one document",
    run: async (t) => {
      await Promise.all(
        Array.from({ length: 20 }, (_, n) => t.mutation(api.clients.append, { client: "racer", n })),
      );
      return await t.query(api.clients.balance, {});
    },
    expected: { counted: 20, entries: 20 },
  },
];

export const writes: Area = { area: "writes", cases };

/** Validators of arguments, results and documents. */
import type { FunctionArgs } from "convex/server";
import { api } from "../app/convex/_generated/api.js";
import type { Id } from "../app/convex/_generated/dataModel.d.ts";
import type { Area, Case } from "../case.ts";
import type { Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

type Everything = FunctionArgs<typeof api.values.everything>["everything"];

const good = (ref: string): Everything => ({
  ...{ nothing: null, flag: true, int: 5n, float: 1.5, text: "t", bytes: new Uint8Array([1]).buffer },
  ...{ list: ["a", null], object: { a: "x" }, map: { k: 1 }, either: "on", whatever: [1n, { z: null }] },
  ref: ref as Id<"items">,
});

/** A change to the good value, and what it must be refused for. */
const BAD: [string, Record<string, unknown>][] = [
  ["null", { nothing: 0 }],
  ["a boolean", { flag: "true" }],
  ["an int64", { int: 5 }],
  ["a number", { float: 5n }],
  ["a string", { text: null }],
  ["bytes", { bytes: "AQ==" }],
  ["an array", { list: { 0: "a" } }],
  ["an array's element", { list: ["a", 1] }],
  ["an object's field", { object: { a: 1 } }],
  ["an object's missing field", { object: {} }],
  ["an object's extra field", { object: { a: "x", c: 1 } }],
  ["a union", { either: "neither" }],
  ["a literal of another type", { either: 3 }],
  ["an id", { ref: "nonsense" }],
  ["an optional field with null", { maybe: null }],
];

async function itemId(t: Driver): Promise<string> {
  return await t.mutation(api.rows.insert, { table: "items", document: { label: "referred to" } });
}

const argumentCases: Case[] = [
  {
    name: "accepts every kind of value, in and out",
    run: async (t) => t.query(api.values.everything, { everything: good(await itemId(t)) }),
  },
  ...BAD.map(([name, change]): Case => ({
    name: `refuses ${name} that does not match`,
    run: async (t) => {
      const everything = { ...good(await itemId(t)), ...change } as Everything;
      return await attempt(() => t.query(api.values.everything, { everything }));
    },
    expected: { error: "arguments" },
  })),
  {
    name: "checks the values and the keys of a record",
    run: async (t) => {
      const ref = await itemId(t);
      const of = (map: unknown) =>
        attempt(() => t.query(api.values.everything, { everything: { ...good(ref), map } as Everything }));
      return [await of({ k: "v" }), await of([])];
    },
    expected: [{ error: "arguments" }, { error: "arguments" }],
    convexTest: { differs: "its validator passes over records" },
  },
  {
    name: "refuses missing, extra and misnamed arguments",
    run: (t) =>
      Promise.all([
        attempt(() => t.query(api.values.onlyItems, {} as { id: Id<"items"> })),
        attempt(() => t.query(api.values.noArgs, { extra: 1 } as unknown as Record<string, never>)),
        attempt(() => t.query(api.values.noArgs, {})),
      ]),
    expected: [{ error: "arguments" }, { error: "arguments" }, { ok: "none" }],
  },
  {
    name: "refuses an id of another table",
    run: async (t) => {
      const id = await t.mutation(api.rows.insert, { table: "counters", document: { name: "c", value: 0 } });
      return await attempt(() => t.query(api.values.onlyItems, { id: id as Id<"items"> }));
    },
    expected: { error: "arguments" },
  },
];

const returnCases: Case[] = [
  {
    name: "accepts results that match",
    run: async (t) => [
      await t.query(api.values.returnsNumber, { value: 1 }),
      await t.query(api.values.returnsObject, { value: { a: "x" } }),
      await t.query(api.values.returnsNull, {}),
    ],
    expected: [1, { a: "x" }, null],
  },
  {
    name: "refuses results that do not match",
    run: (t) =>
      Promise.all([
        attempt(() => t.query(api.values.returnsNumber, { value: "1" })),
        attempt(() => t.query(api.values.returnsNumber, { value: null })),
        attempt(() => t.query(api.values.returnsObject, { value: { a: "x", c: 1 } })),
      ]),
    expected: [{ error: "returns" }, { error: "returns" }, { error: "returns" }],
  },
  {
    name: "undoes a mutation whose result does not match",
    run: async (t) => [
      await attempt(() => t.mutation(api.values.writeThenReturnWrong, { label: "x" })),
      await t.query(api.rows.find, { spec: { table: "items", terminal: { kind: "count" } } }),
    ],
    expected: [{ error: "returns" }, 0],
    convexTest: { differs: "it checks a result after the commit" },
  },
];

const DOCUMENTS: [string, string, object, boolean][] = [
  ["a full document", "kinds", { label: "l", int: 1n, list: [1], object: { a: "x" }, either: 3 }, true],
  ["the wrong type", "kinds", { label: 1 }, false],
  ["a missing field", "kinds", {}, false],
  ["an extra field", "kinds", { label: "l", extra: 1 }, false],
  ["a nested extra field", "kinds", { label: "l", object: { a: "x", z: 1 } }, false],
  ["another literal", "kinds", { label: "l", one: 2n }, false],
  ["one branch of a union", "shapes", { kind: "circle", radius: 1 }, true],
  ["the other branch", "shapes", { kind: "square", side: 1 }, true],
  ["a mixture of branches", "shapes", { kind: "circle", side: 1 }, false],
  ["any shape where any is allowed", "loose", { a: [{ b: 1n }], c: null }, true],
  ["a malformed id", "kinds", { label: "l", ref: "nope" }, false],
];

const withInt64Literal: Case = {
  name: "stores an int64 literal",
  run: async (t) => {
    const id = await t.mutation(api.rows.insert, { table: "kinds", document: { label: "l", one: 1n } });
    return await t.query(api.rows.get, { id });
  },
  expected: { _creationTime: "<time>", _id: "<id 1>", label: "l", one: "1n" },
  convexTest: { lacks: "it compares a literal with its JSON, which an int64 never equals" },
};

const documentCases: Case[] = [
  withInt64Literal,
  ...DOCUMENTS.map(([name, table, document, fits]): Case => ({
    name: `${fits ? "stores" : "refuses to store"} ${name}`,
    run: async (t) => {
      const stored = (await attempt(() => t.mutation(api.rows.insert, { table, document }))) as {
        ok?: string;
      };
      if (stored.ok === undefined) return stored;
      return await t.query(api.rows.get, { id: stored.ok });
    },
    ...(fits ? {} : { expected: { error: "schema" } }),
  })),
  {
    name: "refuses a record's wrong value in a document",
    run: (t) =>
      attempt(() =>
        t.mutation(api.rows.insert, { table: "kinds", document: { label: "l", map: { k: "v" } } }),
      ),
    expected: { error: "schema" },
    convexTest: { differs: "its validator passes over records" },
  },
  {
    name: "checks patches and replacements as it checks inserts",
    run: async (t) => {
      const id = await t.mutation(api.rows.insert, { table: "kinds", document: { label: "l", float: 1 } });
      return [
        await attempt(() => t.mutation(api.rows.patch, { id, fields: { float: "no" } })),
        await attempt(() => t.mutation(api.rows.patch, { id, fields: {}, unset: ["label"] })),
        await attempt(() => t.mutation(api.rows.replace, { id, document: { float: 2 } })),
        await t.query(api.rows.get, { id }),
      ];
    },
    expected: [
      { error: "schema" },
      { error: "schema" },
      { error: "schema" },
      { _creationTime: "<time>", _id: "<id 1>", float: 1, label: "l" },
    ],
  },
  {
    name: "stores anything in a table that the schema does not name",
    run: async (t) => {
      const id = await t.mutation(api.rows.insert, { table: "unheardOf", document: { any: [1n] } });
      const stored = await t.query(api.rows.get, { id });
      await t.mutation(api.rows.remove, { id });
      return stored;
    },
    expected: { _creationTime: "<time>", _id: "<id 1>", any: ["1n"] },
  },
];

export const validators: Area = {
  area: "validators",
  cases: [...argumentCases, ...returnCases, ...documentCases],
};

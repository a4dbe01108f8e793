import type { Value } from "convex/values";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeSchema } from "../runtime/schema.ts";
import { Transaction } from "../runtime/transaction.ts";
import type { Document } from "../storage/documents.ts";
import { openStore, type Store } from "../storage/store.ts";
import { openVectorExtension } from "./vectorExtension.ts";
import { vectorSearch, type VectorHit } from "./vectorSearch.ts";

let store: Store;
let clock = 1_700_000_000_000;

function write<T>(work: (tx: Transaction) => T): T {
  store.driver.exec("BEGIN IMMEDIATE");
  try {
    const tx = new Transaction({ store, schema: makeSchema(null), writable: true, commitTs: store.nextTs() });
    const result = work(tx);
    store.driver.exec("COMMIT");
    return result;
  } catch (error) {
    store.driver.exec("ROLLBACK");
    store.catalog.reload();
    throw error;
  }
}

function addIndex(dimensions = 2, filterFields = ["genre", "year"]): void {
  write(() => {
    const table = store.catalog.ensureTable("movies");
    const spec = { vectorField: "embedding", dimensions, filterFields };
    store.documents.fillIndex(store.catalog.addIndex(table, "by_embedding", "vector", spec));
  });
}

const insert = (fields: Record<string, Value>): string =>
  write((tx) => tx.insertSystem("movies", fields as Document));

const search = (query: Record<string, unknown>): VectorHit[] =>
  vectorSearch(store, { indexName: "movies.by_embedding", expressions: null, ...query }).results;

const eq = (field: string, value: unknown): unknown => ({ $eq: [{ $field: field }, { $literal: value }] });

beforeEach(() => {
  store = openStore({
    path: ":memory:",
    durability: "full",
    extensions: (driver) => [openVectorExtension(driver)],
    now: () => clock++,
  });
});

afterEach(() => store.close());

describe("scores", () => {
  test("are cosines, best first", () => {
    addIndex();
    const same = insert({ embedding: [2, 0] });
    const diagonal = insert({ embedding: [1, 1] });
    const across = insert({ embedding: [0, 5] });
    const opposite = insert({ embedding: [-3, 0] });
    const zero = insert({ embedding: [0, 0] });
    const hits = search({ vector: [1, 0] });
    expect(hits.map(({ _id }) => _id).slice(0, 2)).toEqual([same, diagonal]);
    expect(
      hits
        .map(({ _id }) => _id)
        .slice(2, 4)
        .sort(),
    ).toEqual([across, zero].sort());
    expect(hits[4]!._id).toBe(opposite);
    expect(hits[0]!._score).toBeCloseTo(1, 6);
    expect(hits[1]!._score).toBeCloseTo(Math.SQRT1_2, 6);
    expect(hits[4]!._score).toBeCloseTo(-1, 6);
  });

  test("agree with a plain computation on random vectors, whatever the limit", () => {
    addIndex(8);
    const coordinate = fc.double({ min: -100, max: 100, noNaN: true });
    const vectors = fc.sample(fc.array(coordinate, { minLength: 8, maxLength: 8 }), 600);
    const ids = write((tx) => vectors.map((embedding) => tx.insertSystem("movies", { embedding })));
    // Of directions: products of the smallest numbers that there are would vanish.
    const direction = (v: number[]): number[] => {
      const largest = Math.max(...v.map(Math.abs));
      const scaled = v.map((x) => (largest === 0 ? 0 : x / largest));
      return scaled.map((x) => x / (Math.hypot(...scaled) || 1));
    };
    const cosine = (a: number[], b: number[]): number => {
      const [from, to] = [direction(a), direction(b)];
      return from.reduce((sum, x, i) => sum + x * to[i]!, 0);
    };
    for (const limit of [1, 10, 256]) {
      const vector = fc.sample(fc.array(coordinate, { minLength: 8, maxLength: 8 }), 1)[0]!;
      const hits = search({ vector, limit });
      const expected = vectors.map((other) => cosine(vector, other)).sort((a, b) => b - a);
      expect(hits).toHaveLength(limit);
      hits.forEach(({ _id, _score }, i) => {
        expect(_score).toBeCloseTo(expected[i]!, 5);
        expect(_score).toBeCloseTo(cosine(vector, vectors[ids.indexOf(_id)]!), 5);
      });
    }
  });
});

describe("filters", () => {
  beforeEach(() => addIndex());

  test("`eq` and `or`, over one field and over several, of any type", () => {
    const comedy = insert({ embedding: [1, 0], genre: "comedy", year: 1999 });
    const drama = insert({ embedding: [1, 0.1], genre: "drama", year: 2000n });
    const horror = insert({ embedding: [1, 0.2], genre: "horror" });
    const find = (expressions: unknown): string[] =>
      search({ vector: [1, 0], expressions })
        .map(({ _id }) => _id)
        .sort();
    expect(find(eq("genre", "comedy"))).toEqual([comedy]);
    expect(find({ $or: [eq("genre", "comedy"), eq("genre", "drama")] })).toEqual([comedy, drama].sort());
    expect(
      find({ $or: [eq("genre", "comedy"), { $or: [eq("year", { $integer: "0AcAAAAAAAA=" })] }] }),
    ).toEqual([comedy, drama].sort());
    expect(find(eq("year", { $undefined: null }))).toEqual([horror]);
    expect(find(eq("genre", "western"))).toEqual([]);
    expect(find(null)).toHaveLength(3);
  });
});

describe("documents without a fitting vector are stored and never found", () => {
  test.each<[string, Value | undefined]>([
    ["none", undefined],
    ["too short", [1]],
    ["too long", [1, 2, 3]],
    ["no numbers", ["a", "b"]],
    ["integers", [1n, 2n]],
    ["not finite", [Infinity, 0]],
    ["beyond 32 bits", [1e300, 0]],
    ["a string", "vector"],
  ])("%s", (_name, embedding) => {
    addIndex();
    const id = insert(embedding === undefined ? { title: "x" } : { embedding });
    expect(search({ vector: [1, 0] })).toEqual([]);
    write((tx) => tx.patchSystem(store.catalog.table("movies")!, id, { embedding: [0, 1] }));
    expect(search({ vector: [1, 0] }).map(({ _id }) => _id)).toEqual([id]);
    write((tx) => tx.patchSystem(store.catalog.table("movies")!, id, { embedding: [0] }));
    expect(search({ vector: [1, 0] })).toEqual([]);
  });
});

describe("kept in step", () => {
  test("with changes, deletions and rollbacks", () => {
    addIndex();
    const id = insert({ embedding: [1, 0], genre: "comedy" });
    const table = store.catalog.table("movies")!;
    write((tx) => tx.patchSystem(table, id, { genre: "drama" }));
    expect(search({ vector: [1, 0], expressions: eq("genre", "comedy") })).toEqual([]);
    expect(search({ vector: [1, 0], expressions: eq("genre", "drama") })).toHaveLength(1);
    expect(() =>
      write((tx) => {
        tx.removeSystem(table, id);
        throw new Error("undo");
      }),
    ).toThrow("undo");
    expect(search({ vector: [1, 0] })).toHaveLength(1);
    write((tx) => tx.removeSystem(table, id));
    expect(search({ vector: [1, 0] })).toEqual([]);
  });

  test("made over existing documents, dropped and made again in other dimensions", () => {
    write((tx) => {
      for (let i = 0; i < 500; i++) tx.insertSystem("movies", { embedding: [i, 1] });
      tx.insertSystem("movies", { embedding: [1, 2, 3] });
    });
    addIndex(2);
    expect(search({ vector: [1, 0], limit: 256 })).toHaveLength(256);
    write(() => {
      const index = store.catalog.index("movies", "by_embedding")!;
      store.documents.clearIndex(index);
      store.catalog.removeIndex(index);
    });
    expect(() => search({ vector: [1, 0] })).toThrow("Index movies.by_embedding not found.");
    addIndex(3, []);
    expect(search({ vector: [1, 0, 0] })).toHaveLength(1);
  });
});

describe("limits and mistakes", () => {
  test("ten results when no limit is given", () => {
    addIndex();
    write((tx) => {
      for (let i = 0; i < 20; i++) tx.insertSystem("movies", { embedding: [i, 1] });
    });
    expect(search({ vector: [1, 0] })).toHaveLength(10);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["a wrong length", { vector: [1, 2, 3] }, "Expected a vector with dimensions 2, received 3."],
    [
      "257 results",
      { vector: [1, 0], limit: 257 },
      "Vector queries can fetch at most 256 results, requested 257.",
    ],
    ["no results", { vector: [1, 0], limit: 0 }, "must be an integer from 1 to 256"],
    ["half a result", { vector: [1, 0], limit: 1.5 }, "must be an integer from 1 to 256"],
    ["not a number", { vector: [1, null] }, "Malformed vector query"],
    [
      "a field that is not indexed",
      { vector: [1, 0], expressions: eq("title", "x") },
      'Vector query against movies.by_embedding contains a filter on "title" but that field isn\'t indexed for filtering in `filterFields`.',
    ],
    [
      "another operator",
      { vector: [1, 0], expressions: { $lt: [] } },
      "Filters should be a combination of `q.eq` and `q.or`.",
    ],
    ["a literal", { vector: [1, 0], expressions: { $literal: true } }, "Filters should be a combination"],
    [
      "a field against a field",
      { vector: [1, 0], expressions: { $eq: [{ $field: "genre" }, { $field: "year" }] } },
      "`q.eq` must take a field path as its first argument and a value as its second",
    ],
    [
      "65 conditions",
      { vector: [1, 0], expressions: { $or: Array.from({ length: 65 }, (_, i) => eq("year", i)) } },
      "has too many conditions. Max: 64 Actual: 65",
    ],
    ["no such index", { indexName: "movies.nothing", vector: [1, 0] }, "Index movies.nothing not found."],
    [
      "a database index",
      { indexName: "movies.by_id", vector: [1, 0] },
      "Index movies.by_id is not a vector index.",
    ],
  ])("%s", (_name, query, message) => {
    addIndex();
    expect(() => search(query)).toThrow(message);
  });
});

import type { Value } from "convex/values";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openQuery, type SerializedQuery } from "../runtime/query.ts";
import { readPage } from "../runtime/paginate.ts";
import { makeSchema } from "../runtime/schema.ts";
import { Transaction } from "../runtime/transaction.ts";
import { parseDocument, type Document } from "../storage/documents.ts";
import { openStore, type Store } from "../storage/store.ts";
import { openSearchExtension } from "./searchExtension.ts";
import { tokenize } from "./tokens.ts";

let store: Store;
let clock = 1_700_000_000_000;

const begin = (writable = true): Transaction =>
  new Transaction({ store, schema: makeSchema(null), writable, commitTs: store.nextTs() });

/** Runs `work` in a transaction of its own, committed unless it throws. */
function write<T>(work: (tx: Transaction) => T): T {
  store.driver.exec("BEGIN IMMEDIATE");
  try {
    const result = work(begin());
    store.driver.exec("COMMIT");
    return result;
  } catch (error) {
    store.driver.exec("ROLLBACK");
    store.catalog.reload();
    throw error;
  }
}

function addIndex(filterFields: string[] = ["channel"], name = "by_body"): void {
  write(() => {
    const table = store.catalog.ensureTable("messages");
    store.documents.fillIndex(
      store.catalog.addIndex(table, name, "search", { searchField: "body", filterFields }),
    );
  });
}

const insert = (fields: Record<string, Value>): string =>
  write((tx) => tx.insertSystem("messages", fields as Document));

type Eq = [fieldPath: string, value: Value | undefined];

const query = (
  text: string,
  eqs: Eq[] = [],
  operators: SerializedQuery["operators"] = [],
): SerializedQuery => ({
  source: {
    type: "Search",
    indexName: "messages.by_body",
    filters: [
      { type: "Search", fieldPath: "body", value: text },
      ...eqs.map(([fieldPath, value]) => ({
        type: "Eq" as const,
        fieldPath,
        value: (value === undefined ? { $undefined: null } : value) as never,
      })),
    ],
  },
  operators,
});

function bodies(tx: Transaction, request: SerializedQuery): string[] {
  const pipeline = openQuery(tx, request);
  const out: string[] = [];
  for (let row = pipeline.next(); row !== null; row = pipeline.next()) {
    out.push(parseDocument(row.json)["body"] as string);
  }
  return out;
}

const search = (text: string, eqs: Eq[] = []): string[] => bodies(begin(false), query(text, eqs));

beforeEach(() => {
  store = openStore({
    path: ":memory:",
    durability: "full",
    extensions: (driver) => [openSearchExtension(driver)],
    now: () => clock++,
  });
});

afterEach(() => store.close());

describe("terms", () => {
  test.each<[string, string[]]>([
    ["Hello, World!", ["hello", "world"]],
    ["don't stop-me_now", ["don", "t", "stop", "me", "now"]],
    ["ÉTÉ Straße İ", ["été", "straße", "i̇"]],
    ["日本語 text", ["日本語", "text"]],
    ["a1b2 ½ Ⅷ", ["a1b2", "½", "ⅷ"]],
    ["", []],
    ["  \t\n…—!", []],
    [`${"x".repeat(31)} ${"y".repeat(32)}`, ["x".repeat(31)]],
    ["emoji😀split", ["emoji", "split"]],
  ])("%j", (text, terms) => {
    expect(tokenize(text)).toEqual(terms);
  });
});

describe("matching", () => {
  beforeEach(() => addIndex());

  test("any term is enough, in any case", () => {
    insert({ body: "The quick brown fox", channel: "a" });
    insert({ body: "A lazy dog", channel: "a" });
    expect(search("QUICK dog").sort()).toEqual(["A lazy dog", "The quick brown fox"]);
    expect(search("cat")).toEqual([]);
    expect(search("")).toEqual([]);
    expect(search("?!")).toEqual([]);
  });

  test("only the last term matches as a prefix", () => {
    insert({ body: "database indexes", channel: "a" });
    expect(search("data")).toEqual(["database indexes"]);
    expect(search("data zebra")).toEqual([]);
    expect(search("zebra data")).toEqual(["database indexes"]);
    expect(search("tabase")).toEqual([]);
  });

  test("text that means something to SQL or FTS5 is only text", () => {
    insert({ body: `"NEAR(" AND * OR 'x'; DROP TABLE docs --`, channel: "a" });
    for (const text of [`"`, `NEAR(`, `body: x`, `x*`, `' OR 1=1 --`, `^drop`, "AND NOT table"]) {
      expect(() => search(text)).not.toThrow();
    }
    expect(search(`drop "TABLE`)).toHaveLength(1);
  });

  test("documents without the field, or with another type there, do not match", () => {
    insert({ channel: "a" });
    insert({ body: 42n, channel: "a" });
    insert({ body: ["word"], channel: "a" });
    insert({ body: "word", channel: "a" });
    expect(search("word")).toEqual(["word"]);
  });

  test("nested paths are searched and filtered", () => {
    write(() => {
      const table = store.catalog.ensureTable("messages");
      const spec = { searchField: "meta.title", filterFields: ["meta.kind"] };
      store.documents.fillIndex(store.catalog.addIndex(table, "by_title", "search", spec));
    });
    insert({ body: "x", meta: { title: "Deep thought", kind: "book" } });
    const request = {
      source: {
        type: "Search" as const,
        indexName: "messages.by_title",
        filters: [
          { type: "Search" as const, fieldPath: "meta.title", value: "thought" },
          { type: "Eq" as const, fieldPath: "meta.kind", value: "book" },
        ],
      },
      operators: [],
    };
    expect(bodies(begin(false), request)).toEqual(["x"]);
  });
});

describe("ranking", () => {
  beforeEach(() => addIndex());

  test("more of the terms, more often, in less text ranks higher", () => {
    insert({ body: "apple filler filler filler filler filler filler filler", channel: "a" });
    insert({ body: "apple apple pear", channel: "a" });
    insert({ body: "apple filler filler filler", channel: "a" });
    insert({ body: "pear filler filler", channel: "a" });
    const found = search("apple pear");
    expect(found[0]).toBe("apple apple pear");
    expect(found.indexOf("apple filler filler filler")).toBeLessThan(
      found.indexOf("apple filler filler filler filler filler filler filler"),
    );
  });

  test("a rare term counts more than a common one, also when most documents have it", () => {
    for (let i = 0; i < 9; i++) insert({ body: `common filler ${i}`, channel: "a" });
    insert({ body: "rare filler 10", channel: "a" });
    expect(search("common rare filler")[0]).toBe("rare filler 10");
  });

  test("the whole word ranks above words that begin with it", () => {
    insert({ body: "category", channel: "a" });
    insert({ body: "cat", channel: "a" });
    insert({ body: "catalog", channel: "a" });
    expect(search("cat")[0]).toBe("cat");
    expect(search("cat")).toHaveLength(3);
  });

  test("of equals the newer comes first", () => {
    for (const n of [1, 2, 3]) insert({ body: `same words`, channel: String(n) });
    const tx = begin(false);
    const pipeline = openQuery(tx, query("same"));
    const channels: unknown[] = [];
    for (let row = pipeline.next(); row !== null; row = pipeline.next()) {
      channels.push(parseDocument(row.json)["channel"]);
    }
    expect(channels).toEqual(["3", "2", "1"]);
  });

  test("scores are those of BM25 with k1 = 1.2 and b = 0.75, over a corpus that changes", () => {
    const corpus = ["a b c", "a a", "b c c d", "d", "a d d d b"];
    const ids = corpus.map((body) => insert({ body, channel: "x" }));
    write((tx) => tx.removeSystem(store.catalog.table("messages")!, ids[3]!));
    write((tx) => tx.patchSystem(store.catalog.table("messages")!, ids[0]!, { body: "a b b" }));
    const now = ["a b b", "a a", "b c c d", "a d d d b"];
    const words = now.map((text) => text.split(" "));
    const average = words.flat().length / words.length;
    const scoreOf = (document: string[], terms: string[]): number =>
      terms.reduce((sum, term) => {
        const n = words.filter((other) => other.includes(term)).length;
        const f = document.filter((word) => word === term).length;
        const idf = Math.log(1 + (words.length - n + 0.5) / (n + 0.5));
        return sum + (idf * f * 2.2) / (f + 1.2 * (0.25 + (0.75 * document.length) / average));
      }, 0);
    for (const terms of [
      ["a", "d"],
      ["b", "c"],
      ["c", "a"],
      ["d", "b", "a"],
    ]) {
      const expected = now
        .map((body, i) => ({ body, score: scoreOf(words[i]!, terms) }))
        .filter(({ score }) => score > 0)
        .sort((x, y) => y.score - x.score)
        .map(({ body }) => body);
      expect(search(terms.join(" "))).toEqual(expected);
    }
  });
});

describe("filters", () => {
  test("equality on several fields, of any type, and on a missing field", () => {
    addIndex(["channel", "n", "flag"]);
    insert({ body: "word 1", channel: "a", n: 1, flag: true });
    insert({ body: "word 2", channel: "a", n: 1n, flag: true });
    insert({ body: "word 3", channel: "b", n: 1 });
    insert({ body: "word 4", channel: null, n: { deep: [1] } });
    expect(search("word", [["channel", "a"]]).sort()).toEqual(["word 1", "word 2"]);
    expect(search("word", [["n", 1]]).sort()).toEqual(["word 1", "word 3"]);
    expect(
      search("word", [
        ["channel", "a"],
        ["n", 1],
      ]),
    ).toEqual(["word 1"]);
    expect(search("word", [["channel", null]])).toEqual(["word 4"]);
    expect(search("word", [["n", { deep: [1] }]])).toEqual(["word 4"]);
    expect(search("word", [["flag", undefined]]).sort()).toEqual(["word 3", "word 4"]);
    expect(search("word", [["flag", false]])).toEqual([]);
  });

  test("`.filter`, `.take` and pages apply after the search", () => {
    addIndex();
    for (let i = 0; i < 10; i++)
      insert({ body: `word ${"pad ".repeat(i)}`.trim(), channel: i % 2 ? "odd" : "even" });
    const filtered = query(
      "word",
      [],
      [{ filter: { $eq: [{ $field: "channel" }, { $literal: "odd" }] } }, { limit: 2 }],
    );
    expect(bodies(begin(false), filtered)).toHaveLength(2);
    const all = search("word");
    const seen: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page = readPage(begin(false), { query: query("word"), cursor, pageSize: 3 });
      seen.push(...page.rows.map((json) => parseDocument(json)["body"] as string));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(seen).toEqual(all);
  });
});

describe("kept in step with writes", () => {
  test("insert, patch, replace and delete show at once, in the same transaction too", () => {
    addIndex();
    write((tx) => {
      const id = tx.insertSystem("messages", { body: "first draft", channel: "a" });
      expect(bodies(tx, query("draft"))).toEqual(["first draft"]);
      const table = store.catalog.table("messages")!;
      tx.patch(table, id, { body: "second version" });
      expect(bodies(tx, query("draft"))).toEqual([]);
      expect(bodies(tx, query("version", [["channel", "a"]]))).toEqual(["second version"]);
      tx.patch(table, id, { channel: "b" });
      expect(bodies(tx, query("version", [["channel", "a"]]))).toEqual([]);
      expect(bodies(tx, query("version", [["channel", "b"]]))).toEqual(["second version"]);
      tx.replace(table, id, { body: "third time" });
      expect(bodies(tx, query("third"))).toEqual(["third time"]);
      tx.remove(table, id);
      expect(bodies(tx, query("third"))).toEqual([]);
    });
  });

  test("a rollback undoes the index too, of a nested mutation and of the whole one", () => {
    addIndex();
    write((tx) => {
      tx.insertSystem("messages", { body: "kept", channel: "a" });
      expect(() =>
        tx.nested(() => {
          tx.insertSystem("messages", { body: "kept not", channel: "a" });
          throw new Error("undo");
        }),
      ).toThrow("undo");
      expect(bodies(tx, query("kept"))).toEqual(["kept"]);
    });
    expect(() =>
      write((tx) => {
        tx.insertSystem("messages", { body: "kept neither", channel: "a" });
        throw new Error("all");
      }),
    ).toThrow("all");
    expect(search("kept")).toEqual(["kept"]);
  });

  test("made over existing documents, dropped, and made again with other filters", () => {
    for (let i = 0; i < 450; i++) insert({ body: `doc${i} shared`, channel: `c${i % 3}` });
    addIndex(["channel"]);
    expect(search("shared", [["channel", "c1"]])).toHaveLength(150);
    const drop = (): void =>
      write(() => {
        const index = store.catalog.index("messages", "by_body")!;
        store.documents.clearIndex(index);
        store.catalog.removeIndex(index);
      });
    drop();
    expect(() => search("shared")).toThrow("Search index messages.by_body not found.");
    insert({ body: "shared late", channel: "c1" });
    addIndex([]);
    expect(search("shared")).toHaveLength(451);
    drop();
    addIndex(["channel", "other"]);
    expect(
      search("shared", [
        ["other", undefined],
        ["channel", "c1"],
      ]),
    ).toHaveLength(151);
  });

  test("a rolled back schema change leaves the index as it was", () => {
    addIndex();
    insert({ body: "still here", channel: "a" });
    expect(() =>
      write(() => {
        const index = store.catalog.index("messages", "by_body")!;
        store.documents.clearIndex(index);
        store.catalog.removeIndex(index);
        throw new Error("push failed");
      }),
    ).toThrow("push failed");
    expect(search("still")).toEqual(["still here"]);
  });
});

describe("live queries", () => {
  test("a search reads its whole index, and every write of the table touches it", () => {
    addIndex();
    insert({ body: "word", channel: "a" });
    const reader = begin(false);
    bodies(reader, query("nothing of the kind"));
    reader.close();
    const index = store.catalog.index("messages", "by_body")!;
    const intervals = [...reader.reads.entries()].find(([num]) => num === index.num)?.[1];
    expect(intervals).toEqual([{ lower: "", upper: "\xff" }]);
    const touched = write((tx) => {
      tx.insertSystem("messages", { body: "kind", channel: "a" });
      return tx.touched;
    });
    expect(touched.some(({ index: num, key }) => num === index.num && key >= "" && key < "\xff")).toBe(true);
  });
});

describe("limits and mistakes", () => {
  test("1,024 results at most", () => {
    addIndex();
    write((tx) => {
      for (let i = 0; i < 1_030; i++) tx.insertSystem("messages", { body: `word ${i}`, channel: "a" });
    });
    expect(() => search("word")).toThrow("Search query scanned too many documents (fetched 1024).");
    expect(bodies(begin(false), query("word", [], [{ limit: 1_024 }]))).toHaveLength(1_024);
  });

  test("16 terms: the seventeenth is ignored", () => {
    addIndex();
    insert({ body: "needle", channel: "a" });
    const padding = Array.from({ length: 15 }, (_, i) => `pad${i}`).join(" ");
    expect(search(`${padding} needle`)).toEqual(["needle"]);
    expect(search(`${padding} pad needle`)).toEqual([]);
  });

  test.each<[string, SerializedQuery["source"], string]>([
    [
      "another field",
      {
        type: "Search",
        indexName: "messages.by_body",
        filters: [{ type: "Search", fieldPath: "title", value: "x" }],
      },
      'contains a search filter against "title", which doesn\'t match the indexed `searchField` "body".',
    ],
    [
      "two searches",
      {
        type: "Search",
        indexName: "messages.by_body",
        filters: [
          { type: "Search", fieldPath: "body", value: "x" },
          { type: "Search", fieldPath: "body", value: "y" },
        ],
      },
      'contains multiple search filters against "body". Only one is allowed.',
    ],
    [
      "no search",
      { type: "Search", indexName: "messages.by_body", filters: [] },
      "does not contain any search filters",
    ],
    [
      "a field that is not indexed",
      {
        type: "Search",
        indexName: "messages.by_body",
        filters: [
          { type: "Search", fieldPath: "body", value: "x" },
          { type: "Eq", fieldPath: "author", value: "me" },
        ],
      },
      'contains an equality filter on "author" but that field isn\'t indexed for filtering in `filterFields`.',
    ],
    [
      "nine filters",
      {
        type: "Search",
        indexName: "messages.by_body",
        filters: [
          { type: "Search", fieldPath: "body", value: "x" },
          ...Array.from({ length: 9 }, () => ({ type: "Eq" as const, fieldPath: "channel", value: "a" })),
        ],
      },
      "has too many filter conditions. Max: 8 Actual: 9",
    ],
    [
      "no such index",
      { type: "Search", indexName: "messages.by_nothing", filters: [] },
      "Search index messages.by_nothing not found.",
    ],
  ])("%s", (_name, source, message) => {
    addIndex();
    expect(() => openQuery(begin(false), { source, operators: [] })).toThrow(message);
  });
});

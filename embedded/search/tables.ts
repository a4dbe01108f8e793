/**
 * Where a search index lives: per index an FTS5 table with the terms, and a plain table with what ranking and
 * filters need; one table with every index's totals. FTS5 gets text that is cut into terms already, and its `ascii`
 * tokenizer splits that at the spaces only, so that terms are exactly Convex's.
 */
import { readField } from "../values/keys.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import type { Document } from "../storage/documents.ts";
import type { Driver } from "../storage/driver.ts";
import { filterKey } from "./filterKey.ts";
import { tokenize } from "./tokens.ts";

/** The names of an index's tables. `hits` and `words` are FTS5's own views of its terms. */
export const tableNames = (index: IndexInfo): Record<"fts" | "hits" | "words" | "docs", string> => ({
  fts: `fts_${index.num}`,
  hits: `fts_${index.num}_hits`,
  words: `fts_${index.num}_words`,
  docs: `search_${index.num}`,
});

/** What the index holds of one document. */
interface Entry {
  readonly text: string;
  readonly terms: number;
  readonly created: number;
  readonly filters: readonly string[];
}

function entryOf(index: IndexInfo, document: Document): Entry {
  const value = readField(document, index.spec.searchField ?? "");
  const terms = typeof value === "string" ? tokenize(value) : [];
  return {
    text: terms.join(" "),
    terms: terms.length,
    created: document["_creationTime"] as number,
    filters: (index.spec.filterFields ?? []).map((path) => filterKey(readField(document, path))),
  };
}

const isSame = (a: Entry, b: Entry): boolean =>
  a.text === b.text && a.filters.every((key, i) => key === b.filters[i]);

export interface SearchTables {
  create(index: IndexInfo): void;
  drop(index: IndexInfo): void;
  write(index: IndexInfo, seq: number, before: Document | null, after: Document | null): void;
  /** How many documents the index knows, and how many terms they have together. */
  totals(index: IndexInfo): { documents: number; terms: number };
}

export function openSearchTables(driver: Driver): SearchTables {
  driver.exec(`CREATE TABLE IF NOT EXISTS search_totals(
    ix INTEGER PRIMARY KEY, documents INTEGER NOT NULL, terms INTEGER NOT NULL)`);
  const addTotals = driver.prepare(
    "UPDATE search_totals SET documents = documents + ?, terms = terms + ? WHERE ix = ?",
  );
  const selectTotals = driver.prepare("SELECT documents, terms FROM search_totals WHERE ix = ?");

  const insert = (index: IndexInfo, seq: number, entry: Entry): void => {
    const { fts, docs } = tableNames(index);
    const marks = entry.filters.map(() => ", ?").join("");
    driver
      .prepare(`INSERT INTO ${docs} VALUES(?, ?, ?${marks})`)
      .run(seq, entry.created, entry.terms, ...entry.filters);
    if (entry.terms > 0) {
      driver.prepare(`INSERT INTO ${fts}(rowid, body) VALUES(?, ?)`).run(seq, entry.text);
    }
    addTotals.run(1, entry.terms, index.num);
  };

  const remove = (index: IndexInfo, seq: number, entry: Entry): void => {
    const { fts, docs } = tableNames(index);
    driver.prepare(`DELETE FROM ${docs} WHERE doc = ?`).run(seq);
    if (entry.terms > 0) driver.prepare(`DELETE FROM ${fts} WHERE rowid = ?`).run(seq);
    addTotals.run(-1, -entry.terms, index.num);
  };

  return {
    create: (index) => {
      const { fts, hits, words, docs } = tableNames(index);
      const filters = (index.spec.filterFields ?? []).map((_, i) => `, f${i} TEXT NOT NULL`).join("");
      driver.exec(`
        CREATE VIRTUAL TABLE ${fts} USING fts5(body, content='', contentless_delete=1, tokenize='ascii');
        CREATE VIRTUAL TABLE ${hits} USING fts5vocab(${fts}, instance);
        CREATE VIRTUAL TABLE ${words} USING fts5vocab(${fts}, row);
        CREATE TABLE ${docs}(doc INTEGER PRIMARY KEY, created REAL NOT NULL, terms INTEGER NOT NULL${filters});
        INSERT INTO search_totals VALUES(${index.num}, 0, 0);`);
    },
    drop: (index) => {
      const { fts, hits, words, docs } = tableNames(index);
      driver.exec(`DROP TABLE ${hits}; DROP TABLE ${words}; DROP TABLE ${fts}; DROP TABLE ${docs};
        DELETE FROM search_totals WHERE ix = ${index.num};`);
    },
    write: (index, seq, before, after) => {
      const old = before === null ? null : entryOf(index, before);
      const next = after === null ? null : entryOf(index, after);
      if (old !== null && next !== null && isSame(old, next)) return;
      if (old !== null) remove(index, seq, old);
      if (next !== null) insert(index, seq, next);
    },
    totals: (index) => {
      const row = selectTotals.get(index.num);
      return { documents: Number(row?.["documents"] ?? 0), terms: Number(row?.["terms"] ?? 0) };
    },
  };
}

/** Documents and their index entries as rows. It knows nothing of transactions' rules, schemas or read sets. */
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import { encodeKey, readField } from "../values/keys.ts";
import type { IndexInfo, TableInfo } from "./catalog.ts";
import type { Driver } from "./driver.ts";
import type { IndexExtension } from "./indexExtension.ts";

export type Document = Record<string, Value | undefined>;

export interface StoredDocument {
  readonly seq: number;
  readonly json: string;
  readonly size: number;
}

/** One row of a scan: the document's JSON text and its Convex size in bytes. */
export interface ScanRow {
  readonly json: string;
  readonly size: number;
}

/** One state of a document, with its keys in the order of its table's `databaseIndexes`. */
export interface Version {
  readonly document: Document;
  readonly id: string;
  readonly json: string;
  readonly size: number;
  readonly keys: readonly string[];
}

export type Order = "asc" | "desc";

export interface Documents {
  get(table: TableInfo, id: string): StoredDocument | null;
  insert(table: TableInfo, next: Version): void;
  replace(table: TableInfo, stored: StoredDocument, before: Version, next: Version): void;
  remove(table: TableInfo, stored: StoredDocument, before: Version): void;
  /** Up to `limit` rows of an index with `lower` ≤ key < `upper`, in order. */
  scan(index: IndexInfo, lower: string, upper: string, order: Order, limit: number): ScanRow[];
  count(table: TableInfo): number;
  /** Makes entries for every document of the index's table. */
  fillIndex(index: IndexInfo): void;
  clearIndex(index: IndexInfo): void;
  /** Every document of a table in order of creation, in batches; for checks and exports. */
  each(table: TableInfo, visit: (document: Document, row: StoredDocument) => void): void;
}

const toBlob = (key: string): Buffer => Buffer.from(key, "latin1");

/** Parses a document's JSON text. */
export const parseDocument = (json: string): Document =>
  jsonToConvex(JSON.parse(json) as JSONValue) as Document;

/** A document's key in one index. */
export const indexKey = (index: IndexInfo, document: Document): string =>
  encodeKey(index.keyFields.map((field) => readField(document, field)));

/** A document's keys, one for each of its table's database indexes. */
export const indexKeys = (table: TableInfo, document: Document): string[] =>
  table.databaseIndexes.map((index) => indexKey(index, document));

const STRING_TAG = encodeKey([""])[0]!;
const AFTER_ALL_IDS = "\x7f";

/**
 * The text that bounds ids as `key` bounds the keys of `by_id`. Ids hold only characters above "/", so what follows
 * a zero byte matters only by being there.
 */
function idBound(key: string): string {
  if (key < STRING_TAG) return "";
  if (key[0] !== STRING_TAG) return AFTER_ALL_IDS;
  const zero = key.indexOf("\x00", 1);
  if (zero === -1) return key.slice(1);
  return key.slice(1, zero) + (zero === key.length - 1 ? "" : "\x01");
}

const EACH_BATCH = 200;

function parseScan(text: string | null | undefined): ScanRow[] {
  if (text === null || text === undefined) return [];
  const rows: ScanRow[] = [];
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    rows.push({ size: Number(line.slice(0, colon)), json: line.slice(colon + 1) });
  }
  return rows;
}

export function openDocuments(driver: Driver, extensions: readonly IndexExtension[]): Documents {
  const extensionOf = (index: IndexInfo): IndexExtension => {
    const found = extensions.find((extension) => extension.kind === index.kind);
    if (found === undefined)
      throw new Error(`No ${index.kind} indexes here: ${index.table.name}.${index.name}`);
    return found;
  };
  const extend = (
    table: TableInfo,
    seq: number,
    id: string,
    before: Document | null,
    after: Document | null,
  ): void => {
    for (const index of table.otherIndexes) extensionOf(index).write(index, seq, id, before, after);
  };

  const select = driver.prepare("SELECT seq, json, size FROM docs WHERE tbl = ? AND id = ?");
  const insertDoc = driver.prepare("INSERT INTO docs(seq, tbl, id, json, size) VALUES(?, ?, ?, ?, ?)");
  const updateDoc = driver.prepare("UPDATE docs SET json = ?, size = ? WHERE seq = ?");
  const deleteDoc = driver.prepare("DELETE FROM docs WHERE seq = ?");
  const insertEntry = driver.prepare("INSERT INTO idx(ix, key, doc) VALUES(?, ?, ?)");
  const deleteEntry = driver.prepare("DELETE FROM idx WHERE ix = ? AND key = ?");
  const clearEntries = driver.prepare("DELETE FROM idx WHERE ix = ?");
  const countEntries = driver.prepare("SELECT count(*) AS n FROM idx WHERE ix = ?");
  const batch = driver.prepare(`SELECT d.seq, d.json, d.size FROM idx i CROSS JOIN docs d ON d.seq = i.doc
    WHERE i.ix = ? AND i.key > ? ORDER BY i.key LIMIT ?`);
  // One text per scan: reading rows one by one through the binding costs three times as much.
  const scanText = (order: string): string => `
    SELECT group_concat(line, char(10)) AS lines FROM (
      SELECT d.size || ':' || d.json AS line FROM idx i CROSS JOIN docs d ON d.seq = i.doc
      WHERE i.ix = ? AND i.key >= ? AND i.key < ? ORDER BY i.key ${order} LIMIT ?)`;
  const scans = { asc: driver.prepare(scanText("ASC")), desc: driver.prepare(scanText("DESC")) };
  const byIdText = (order: string): string => `
    SELECT group_concat(line, char(10)) AS lines FROM (
      SELECT size || ':' || json AS line FROM docs WHERE tbl = ? AND id >= ? AND id < ? ORDER BY id ${order} LIMIT ?)`;
  const idScans = { asc: driver.prepare(byIdText("ASC")), desc: driver.prepare(byIdText("DESC")) };

  let lastSeq = Number(driver.prepare("SELECT max(seq) AS n FROM docs").get()?.["n"] ?? 0);

  const documents: Documents = {
    get: (table, id) => {
      const row = select.get(table.num, id);
      if (row === undefined) return null;
      return { seq: Number(row["seq"]), json: row["json"] as string, size: Number(row["size"]) };
    },
    insert: (table, next) => {
      const seq = ++lastSeq;
      insertDoc.run(seq, table.num, next.id, next.json, next.size);
      for (const [i, index] of table.databaseIndexes.entries()) {
        insertEntry.run(index.num, toBlob(next.keys[i]!), seq);
      }
      extend(table, seq, next.id, null, next.document);
    },
    replace: (table, stored, before, next) => {
      updateDoc.run(next.json, next.size, stored.seq);
      for (const [i, index] of table.databaseIndexes.entries()) {
        if (before.keys[i] === next.keys[i]) continue;
        deleteEntry.run(index.num, toBlob(before.keys[i]!));
        insertEntry.run(index.num, toBlob(next.keys[i]!), stored.seq);
      }
      extend(table, stored.seq, next.id, before.document, next.document);
    },
    remove: (table, stored, before) => {
      for (const [i, index] of table.databaseIndexes.entries())
        deleteEntry.run(index.num, toBlob(before.keys[i]!));
      deleteDoc.run(stored.seq);
      extend(table, stored.seq, before.id, before.document, null);
    },
    scan: (index, lower, upper, order, limit) => {
      const row =
        index === index.table.byId
          ? idScans[order].get(index.table.num, idBound(lower), idBound(upper), limit)
          : scans[order].get(index.num, toBlob(lower), toBlob(upper), limit);
      return parseScan(row?.["lines"] as string | null | undefined);
    },
    count: (table) => Number(countEntries.get(table.byCreation.num)?.["n"] ?? 0),
    fillIndex: (index) => {
      if (index.kind !== "database") extensionOf(index).create(index);
      documents.each(index.table, (document, row) => {
        if (index.kind === "database") insertEntry.run(index.num, toBlob(indexKey(index, document)), row.seq);
        else extensionOf(index).write(index, row.seq, document["_id"] as string, null, document);
      });
    },
    clearIndex: (index) => {
      if (index.kind === "database") clearEntries.run(index.num);
      else extensionOf(index).drop(index);
    },
    each: (table, visit) => {
      let after = "";
      for (;;) {
        const rows = batch.all(table.byCreation.num, toBlob(after), EACH_BATCH);
        for (const row of rows) {
          const json = row["json"] as string;
          const document = parseDocument(json);
          after = indexKey(table.byCreation, document);
          visit(document, { seq: Number(row["seq"]), json, size: Number(row["size"]) });
        }
        if (rows.length < EACH_BATCH) return;
      }
    },
  };
  return documents;
}

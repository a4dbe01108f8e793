/** Where a vector index lives: one table per index, with each document's vector and its filter fields. */
import { filterKey } from "../search/filterKey.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import type { Document } from "../storage/documents.ts";
import type { Driver } from "../storage/driver.ts";
import { readField } from "../values/keys.ts";
import { toBlob, toUnit } from "./vectors.ts";

export const tableName = (index: IndexInfo): string => `vector_${index.num}`;

interface Entry {
  readonly vector: Buffer;
  readonly filters: readonly string[];
}

/**
 * What the index holds of a document; null when it has no vector of the index's dimensions there. As on Convex, such
 * a document is stored and simply never found by the index.
 */
function entryOf(index: IndexInfo, document: Document): Entry | null {
  const { vectorField = "", dimensions, filterFields = [] } = index.spec;
  const value = readField(document, vectorField);
  if (!Array.isArray(value) || value.length !== dimensions) return null;
  const vector = toUnit(value);
  if (vector === null) return null;
  return {
    vector: toBlob(vector),
    filters: filterFields.map((path) => filterKey(readField(document, path))),
  };
}

const isSame = (a: Entry | null, b: Entry | null): boolean =>
  a === null || b === null
    ? a === b
    : a.vector.equals(b.vector) && a.filters.every((key, i) => key === b.filters[i]);

export interface VectorTables {
  create(index: IndexInfo): void;
  drop(index: IndexInfo): void;
  write(index: IndexInfo, seq: number, id: string, before: Document | null, after: Document | null): void;
}

export function openVectorTables(driver: Driver): VectorTables {
  return {
    create: (index) => {
      const filters = (index.spec.filterFields ?? []).map((_, i) => `, f${i} TEXT NOT NULL`).join("");
      driver.exec(
        `CREATE TABLE ${tableName(index)}(doc INTEGER PRIMARY KEY, id TEXT NOT NULL, vector BLOB NOT NULL${filters})`,
      );
    },
    drop: (index) => driver.exec(`DROP TABLE ${tableName(index)}`),
    write: (index, seq, id, before, after) => {
      const old = before === null ? null : entryOf(index, before);
      const next = after === null ? null : entryOf(index, after);
      if (isSame(old, next)) return;
      const table = tableName(index);
      if (next === null) {
        driver.prepare(`DELETE FROM ${table} WHERE doc = ?`).run(seq);
        return;
      }
      const marks = next.filters.map(() => ", ?").join("");
      driver
        .prepare(`INSERT OR REPLACE INTO ${table} VALUES(?, ?, ?${marks})`)
        .run(seq, id, next.vector, ...next.filters);
    },
  };
}

/** Full-text search indexes: kept in step with every write, searched by `.withSearchIndex`. */
import type { Driver } from "../storage/driver.ts";
import type { IndexExtension } from "../storage/indexExtension.ts";
import { rank } from "./rank.ts";
import { parseSearch } from "./searchRequest.ts";
import { SearchRows } from "./searchRows.ts";
import { openSearchTables } from "./tables.ts";

const ALL_KEYS = { lower: "", upper: "\xff" };

export function openSearchExtension(driver: Driver): IndexExtension {
  const tables = openSearchTables(driver);
  return {
    kind: "search",
    create: (index) => tables.create(index),
    drop: (index) => tables.drop(index),
    write: (index, seq, _id, before, after) => tables.write(index, seq, before, after),
    search: (tx, index, source) => {
      const request = parseSearch(index, source);
      // Any write can move every score, so a live search depends on the whole index.
      tx.reads.add(index.num, ALL_KEYS.lower, ALL_KEYS.upper);
      return new SearchRows(tx, rank(driver, tables, index, request));
    },
  };
}

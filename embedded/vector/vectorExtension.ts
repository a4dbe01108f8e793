/** Vector indexes, kept in step with every write; `vectorSearch` reads them. */
import type { Driver } from "../storage/driver.ts";
import type { IndexExtension } from "../storage/indexExtension.ts";
import { openVectorTables } from "./tables.ts";

export function openVectorExtension(driver: Driver): IndexExtension {
  const tables = openVectorTables(driver);
  return {
    kind: "vector",
    create: (index) => tables.create(index),
    drop: (index) => tables.drop(index),
    write: (index, seq, id, before, after) => tables.write(index, seq, id, before, after),
  };
}

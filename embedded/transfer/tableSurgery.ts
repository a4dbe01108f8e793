/** Changes to whole tables that no function can make: emptying, dropping, giving another number. */
import type { TableInfo } from "../storage/catalog.ts";
import type { Store } from "../storage/store.ts";
import { TransferError } from "./transferError.ts";

/** Removes every document of a table and every entry of its indexes. Its stored files go with `_storage`. */
export function emptyTable({ driver, documents }: Store, table: TableInfo): void {
  for (const index of [...table.databaseIndexes, ...table.otherIndexes]) documents.clearIndex(index);
  driver.prepare("DELETE FROM docs WHERE tbl = ?").run(table.num);
  if (table.name === "_storage") {
    driver.prepare("INSERT OR IGNORE INTO files_removed(blob) SELECT blob FROM files").run();
    driver.prepare("DELETE FROM files").run();
  }
  // An index that is no plain key order was dropped whole: it is made again, empty.
  for (const index of table.otherIndexes) documents.fillIndex(index);
}

/** Removes a table altogether. */
export function dropTable(store: Store, table: TableInfo): void {
  const { driver, documents, catalog } = store;
  for (const index of [...table.databaseIndexes, ...table.otherIndexes]) documents.clearIndex(index);
  driver.prepare("DELETE FROM docs WHERE tbl = ?").run(table.num);
  driver.prepare("DELETE FROM indexes WHERE tbl = ?").run(table.num);
  driver.prepare("DELETE FROM tables WHERE num = ?").run(table.num);
  catalog.reload();
}

/** Later tables count on from the highest number, and ids have room for four bytes of it. */
const MAX_NUMBER = 2 ** 28;
/** Numbers that no table has: where tables wait while their new numbers become free. */
const PARKED = 2 ** 40;

function renumber({ driver }: Store, from: number, to: number): void {
  driver.prepare("UPDATE tables SET num = ? WHERE num = ?").run(to, from);
  driver.prepare("UPDATE indexes SET tbl = ? WHERE tbl = ?").run(to, from);
}

/**
 * Gives empty tables the numbers that the ids of their coming documents contain.
 * @param wanted by table name; the tables must exist and be empty.
 * @throws TransferError when a number belongs to a table that is not among them.
 */
export function assignNumbers(store: Store, wanted: ReadonlyMap<string, number>): void {
  const { catalog } = store;
  const moves = [...wanted].flatMap(([name, to]) => {
    const from = catalog.table(name)!.num;
    return from === to ? [] : [{ name, from, to }];
  });
  if (moves.length === 0) return;
  for (const [i, { from }] of moves.entries()) renumber(store, from, PARKED + i);
  catalog.reload();
  for (const [i, { name, to }] of moves.entries()) {
    if (to > MAX_NUMBER)
      throw new TransferError("InvalidId", `Table number ${to} of "${name}" is too large.`);
    const other = catalog.tableByNumber(to);
    if (other !== null) {
      throw new TransferError(
        "TableNumberConflict",
        `The import's ids give table "${name}" the number ${to}, which table "${other.name}" has here. ` +
          "Import into an empty deployment, or replace both tables with --replace-all.",
      );
    }
    renumber(store, PARKED + i, to);
    catalog.reload();
  }
}

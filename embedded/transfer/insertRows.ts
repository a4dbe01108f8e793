/** Inserts the rows of an import into a table, checked as every write is. */
import { setImmediate } from "node:timers/promises";
import { getConvexSize, jsonToConvex, type Value } from "convex/values";
import type { Schema } from "../runtime/schema.ts";
import { Transaction } from "../runtime/transaction.ts";
import type { TableInfo } from "../storage/catalog.ts";
import type { Document } from "../storage/documents.ts";
import type { Store } from "../storage/store.ts";
import { LIMITS } from "../values/limits.ts";
import { newId, tableNumberOf } from "../values/ids.ts";
import type { ImportRow } from "./parsedImport.ts";
import { TransferError } from "./transferError.ts";

export interface InsertContext {
  readonly store: Store;
  readonly schema: Schema;
  /** Throws when the import has to stop (the server is closing). */
  readonly assertRunning: () => void;
}

/** A transaction's limits are for functions; an import takes a new one for each part of this size. */
const PART_DOCUMENTS = 1_000;
const PART_BYTES = LIMITS.bytesWritten / 4;

const begin = ({ store, schema }: InsertContext): Transaction =>
  new Transaction({ store, schema, writable: true, commitTs: store.nextTs() });

function insertRow(tx: Transaction, table: TableInfo, { row, fields }: ImportRow): number {
  const { _id, _creationTime, ...own } = jsonToConvex(fields) as Record<string, Value>;
  if (typeof _id === "string") {
    const number = tableNumberOf(_id);
    if (number !== table.num) {
      const belongs = number === null ? "is no id" : `belongs to table number ${number}`;
      throw new TransferError(
        "InvalidId",
        `Row ${row} of table "${table.name}" has the _id "${_id.slice(0, 64)}", which ${belongs}; ` +
          `here the table's number is ${table.num}.`,
      );
    }
    if (tx.store.documents.get(table, _id) !== null) {
      throw new TransferError(
        "DuplicateId",
        `Objects in table "${table.name}" have duplicate _id fields: row ${row} has "${_id}", which is there already`,
      );
    }
  }
  const document: Document = {
    ...own,
    _id: typeof _id === "string" ? _id : newId(table.num),
    _creationTime: typeof _creationTime === "number" ? _creationTime : tx.store.nextCreationTime(),
  };
  try {
    tx.restore(table, document);
  } catch (error) {
    throw new TransferError("InvalidDocument", `Row ${row}: ${(error as Error).message}`, 400, {
      cause: error,
    });
  }
  return getConvexSize(document as Value);
}

/** Inserts all rows inside the SQL transaction that is open; returns how many there were. @throws TransferError */
export async function insertRows(
  context: InsertContext,
  table: TableInfo,
  rows: AsyncIterable<ImportRow>,
): Promise<number> {
  let tx = begin(context);
  let count = 0;
  let part = { documents: 0, bytes: 0 };
  for await (const row of rows) {
    part = { documents: part.documents + 1, bytes: part.bytes + insertRow(tx, table, row) };
    count++;
    if (part.documents < PART_DOCUMENTS && part.bytes < PART_BYTES) continue;
    tx = begin(context);
    part = { documents: 0, bytes: 0 };
    context.assertRunning();
    // Sockets and timers get their turn.
    await setImmediate();
  }
  return count;
}

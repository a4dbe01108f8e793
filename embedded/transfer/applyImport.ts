/** Performs a planned import in one SQL transaction: all of it happens, or none. */
import { randomUUID } from "node:crypto";
import { linkBlob } from "../files/fileRows.ts";
import { Transaction } from "../runtime/transaction.ts";
import { SYSTEM_TABLES } from "../storage/catalog.ts";
import { tableNumberOf } from "../values/ids.ts";
import { insertRows, type InsertContext } from "./insertRows.ts";
import type { ImportTable, ParsedImport } from "./parsedImport.ts";
import type { ImportMode, ImportPlan } from "./plan.ts";
import type { StagedFile } from "./stageFiles.ts";
import { assignNumbers, dropTable, emptyTable } from "./tableSurgery.ts";
import { TransferError } from "./transferError.ts";

export interface ImportJob {
  /** Called just before the commit, to note in the same transaction that the import is done. */
  readonly finish: (documents: number) => void;
  readonly parsed: ParsedImport;
  readonly plan: ImportPlan;
  readonly mode: ImportMode;
  readonly files: readonly StagedFile[];
}

const STORAGE = "_storage";

/** The number in the first row's id, or null when it has none. */
async function numberInRows(table: ImportTable): Promise<number | null> {
  for await (const { fields } of table.rows()) {
    return typeof fields["_id"] === "string" ? tableNumberOf(fields["_id"]) : null;
  }
  return null;
}

/** Makes the tables ready for their rows: there, empty unless appended to, with the numbers that the ids contain. */
async function prepareTables(context: InsertContext, { parsed, plan, mode }: ImportJob): Promise<void> {
  const { store, schema } = context;
  const { catalog, documents } = store;
  const declared = new Set(schema.tableNames());
  for (const name of plan.emptied) {
    const table = catalog.table(name);
    if (table === null) continue;
    if (declared.has(name)) emptyTable(store, table);
    else dropTable(store, table);
  }
  const wanted = new Map<string, number>();
  const prepare = async (name: string, numberOf: () => Promise<number | null>): Promise<void> => {
    let table = catalog.table(name);
    if (table !== null && (mode === "replace" || mode === "replaceAll")) emptyTable(store, table);
    table ??= catalog.ensureTable(name);
    // A table that keeps documents keeps its number: their ids contain it.
    if (documents.count(table) > 0) return;
    const number = await numberOf();
    if (number !== null) wanted.set(name, number);
  };
  for (const table of parsed.tables) {
    await prepare(table.name, async () => parsed.tableNumbers.get(table.name) ?? (await numberInRows(table)));
  }
  const { storage } = parsed;
  if (storage !== null) {
    const [first] = storage.files;
    const own = SYSTEM_TABLES._storage;
    await prepare(STORAGE, () => Promise.resolve(first === undefined ? own : tableNumberOf(first.id)));
  }
  assignNumbers(store, wanted);
}

function insertFiles({ store, schema }: InsertContext, files: readonly StagedFile[]): void {
  const table = store.catalog.table(STORAGE)!;
  const taken = store.driver.prepare("SELECT 1 AS yes FROM files WHERE uuid = ?");
  for (const { id, blob, metadata } of files) {
    if (tableNumberOf(id) !== table.num || store.documents.get(table, id) !== null) {
      throw new TransferError(
        "InvalidId",
        `_storage entry has invalid ID ${id}: it is there already, or of another table`,
      );
    }
    const tx = new Transaction({ store, schema, writable: true, commitTs: store.nextTs() });
    const contentType = metadata?.contentType ?? null;
    tx.restore(table, {
      _id: id,
      _creationTime: metadata?.creationTime ?? store.nextCreationTime(),
      sha256: blob.sha256.toString("base64"),
      size: blob.size,
      ...(contentType === null ? {} : { contentType }),
    });
    const given = metadata?.uuid ?? null;
    const uuid = given === null || taken.get(given) !== undefined ? randomUUID() : given;
    linkBlob(tx, { id, uuid, blob: blob.name });
  }
}

/**
 * Imports everything; call it in the executor, where it holds the database until it is done.
 * @returns how many documents were written, without stored files.
 * @throws TransferError when a row does not fit; nothing has changed then.
 */
export async function applyImport(context: InsertContext, job: ImportJob): Promise<number> {
  const { store } = context;
  let documents = 0;
  store.driver.prepare("BEGIN IMMEDIATE").run();
  try {
    await prepareTables(context, job);
    for (const table of job.parsed.tables) {
      documents += await insertRows(context, store.catalog.table(table.name)!, table.rows());
    }
    if (job.parsed.storage !== null) insertFiles(context, job.files);
    context.assertRunning();
    job.finish(documents);
    store.markCommitted(store.nextTs());
    store.driver.prepare("COMMIT").run();
    return documents;
  } catch (error) {
    store.driver.prepare("ROLLBACK").run();
    store.catalog.reload();
    throw error;
  }
}

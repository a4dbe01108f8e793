/**
 * One transaction's view of the database: reads and writes of documents, with limits, schema and read set.
 * SQLite holds the uncommitted rows; nested mutations are SQLite savepoints, so the innermost one always rolls back
 * exactly its own writes.
 */
import { getConvexSize, jsonToConvex, convexToJson, type JSONValue, type Value } from "convex/values";
import { TABLE_NAMES_INDEX, ReadSet, type Touched } from "../live/readSet.ts";
import { SYSTEM_TABLES, type TableInfo } from "../storage/catalog.ts";
import {
  indexKeys,
  parseDocument,
  type Document,
  type StoredDocument,
  type Version,
} from "../storage/documents.ts";
import type { Store } from "../storage/store.ts";
import { mentionsCommitTs, resolveCommitTs } from "../values/commitTs.ts";
import { newId, tableNumberOf } from "../values/ids.ts";
import { encodeValue, justAfter } from "../values/keys.ts";
import { LIMITS } from "../values/limits.ts";
import { explainMalformed } from "../values/wellFormed.ts";
import { LimitTracker } from "./metrics.ts";
import type { Schema } from "./schema.ts";

export interface TransactionOptions {
  readonly store: Store;
  readonly schema: Schema;
  /** False in a query: every write is refused. */
  readonly writable: boolean;
  /** The timestamp this transaction will commit at. */
  readonly commitTs: bigint;
}

/** Something with a read position (an open query stream) that must report what it has really read. */
export interface OpenRead {
  record(): void;
}

const READ_ONLY_SYSTEM = "System tables (prefixed with `_`) are read-only.";

function isRecord(value: Value): value is Record<string, Value> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

function sortFields(document: Document): Document {
  const out: Document = {};
  for (const name of Object.keys(document).sort()) {
    if (document[name] !== undefined) out[name] = document[name];
  }
  return out;
}

export class Transaction {
  readonly store: Store;
  readonly schema: Schema;
  readonly writable: boolean;
  readonly commitTs: bigint;
  readonly reads = new ReadSet();
  readonly limits = new LimitTracker();
  /** Rises with each write, so that open streams know that what they have read ahead is old. */
  writeVersion = 0;
  #touched: Touched[] = [];
  #scheduled = false;
  #withCommitTs = new Set<string>();
  readonly #openReads = new Set<OpenRead>();
  #closed = false;

  constructor(options: TransactionOptions) {
    this.store = options.store;
    this.schema = options.schema;
    this.writable = options.writable;
    this.commitTs = options.commitTs;
  }

  /** Every index key that this transaction has changed. */
  get touched(): readonly Touched[] {
    return this.#touched;
  }

  get scheduledJobs(): boolean {
    return this.#scheduled;
  }

  markScheduled(): void {
    this.#scheduled = true;
  }

  /** The name of the table that an id belongs to, or null. */
  readonly tableOf = (id: string): string | null => {
    const num = tableNumberOf(id);
    return num === null ? null : (this.store.catalog.tableByNumber(num)?.name ?? null);
  };

  /** The table, or null while it does not exist; asking is a read that its creation invalidates. */
  table(name: string): TableInfo | null {
    const table = this.store.catalog.table(name);
    if (table === null) {
      const key = encodeValue(name);
      this.reads.add(TABLE_NAMES_INDEX, key, justAfter(key));
    }
    return table;
  }

  trackRead(read: OpenRead): void {
    this.#openReads.add(read);
  }

  /**
   * The table and the stored row of an id given to `db.<method>`.
   * @throws Error in Convex's words when it is no id or belongs to another table than `expected`.
   */
  locate(method: string, id: unknown, expected: string | undefined): { table: TableInfo | null; id: string } {
    if (typeof id !== "string") {
      throw new Error(`Invalid argument \`id\` for \`db.${method}\`, expected string but got '${typeof id}'`);
    }
    const num = tableNumberOf(id);
    if (num === null) {
      throw new Error(
        `Invalid argument \`id\` for \`db.${method}\`: Unable to decode ID: Invalid ID "${id.slice(0, 64)}"`,
      );
    }
    const table = this.store.catalog.tableByNumber(num);
    if (expected !== undefined && table?.name !== expected) {
      throw new Error(
        `Invalid argument \`id\` for \`db.${method}\`, expected ID in table '${expected}' ` +
          `but got ID in table '${table?.name ?? "unknown"}'`,
      );
    }
    return { table, id };
  }

  /** The JSON text of a document, or null; recorded as a read. */
  get(table: TableInfo, id: string): string | null {
    return this.#read(table, id)?.json ?? null;
  }

  #read(table: TableInfo, id: string): StoredDocument | null {
    this.#assertOpen();
    this.limits.add("databaseQueries", 1);
    const key = encodeValue(id);
    this.reads.add(table.byId.num, key, justAfter(key));
    const stored = this.store.documents.get(table, id);
    if (stored !== null) {
      this.limits.add("documentsRead", 1);
      this.limits.add("bytesRead", stored.size);
    }
    return stored;
  }

  /** Inserts a document given as Convex JSON; returns its id. */
  insert(tableName: string, json: JSONValue): string {
    this.#assertUserTable(tableName);
    const fields = this.#fieldsOf("insert", json);
    for (const name of ["_id", "_creationTime"]) {
      if (fields[name] !== undefined)
        throw new Error(`Provided document has the system field \`${name}\`, which Convex sets.`);
    }
    return this.#insertFields(tableName, fields);
  }

  /** Inserts into any table, system ones too, without the rules for user code. */
  insertSystem(tableName: string, fields: Document): string {
    return this.#insertFields(tableName, fields);
  }

  #insertFields(tableName: string, fields: Document): string {
    this.assertWritable();
    let table = this.store.catalog.table(tableName);
    if (table === null) {
      table = this.store.catalog.ensureTable(tableName);
      this.#touched.push({ index: TABLE_NAMES_INDEX, key: encodeValue(tableName) });
    }
    const id = newId(table.num);
    const version = this.#version(table, id, this.store.nextCreationTime(), fields);
    this.store.documents.insert(table, version);
    this.#noteWrite(table, version, null);
    return id;
  }

  /** Inserts a document with its own `_id` and `_creationTime`, as an import does. */
  restore(table: TableInfo, document: Document): void {
    const { _id: id, _creationTime: time, ...fields } = document;
    const version = this.#version(table, id as string, time as number, fields);
    this.store.documents.insert(table, version);
    this.#noteWrite(table, version, null);
  }

  /** Merges top-level fields into a document; `{$undefined: null}` removes one. */
  patch(table: TableInfo | null, id: string, json: JSONValue): void {
    const removed: string[] = [];
    const kept: Record<string, JSONValue> = {};
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw new Error("Invalid argument `value` for `db.patch`: expected an object");
    }
    for (const [name, field] of Object.entries(json)) {
      if (typeof field === "object" && field !== null && "$undefined" in field) removed.push(name);
      else kept[name] = field;
    }
    const fields = this.#fieldsOf("patch", kept);
    this.#update(
      "Patch",
      table,
      id,
      (before) => {
        const next: Document = { ...before, ...fields };
        for (const name of removed) delete next[name];
        return next;
      },
      fields,
    );
  }

  replace(table: TableInfo | null, id: string, json: JSONValue): void {
    const fields = this.#fieldsOf("replace", json);
    this.#update("Replace", table, id, () => fields, fields);
  }

  /** Changes a document of any table, system ones too. */
  patchSystem(table: TableInfo, id: string, fields: Document): void {
    this.#update("Patch", table, id, (before) => ({ ...before, ...fields }), {}, true);
  }

  #update(
    verb: "Patch" | "Replace",
    table: TableInfo | null,
    id: string,
    change: (before: Document) => Document,
    given: Document,
    system = false,
  ): void {
    this.assertWritable();
    if (table !== null && !system) this.#assertUserTable(table.name);
    const stored = table === null ? null : this.#read(table, id);
    if (table === null || stored === null) throw new Error(`${verb} on non-existent document ID ${id}`);
    const document = parseDocument(stored.json);
    const { _id, _creationTime, ...before } = document;
    if (given["_id"] !== undefined && given["_id"] !== _id) {
      throw new Error(
        `Provided \`_id\` field value "${String(given["_id"])}" does not match the document ID "${id}"`,
      );
    }
    if (given["_creationTime"] !== undefined && given["_creationTime"] !== _creationTime) {
      throw new Error(
        `Provided \`_creationTime\` field value ${String(given["_creationTime"])} does not match ` +
          `the document's creation time ${String(_creationTime)}`,
      );
    }
    const { _id: _ignoredId, _creationTime: _ignoredTime, ...fields } = change(before);
    const next = this.#version(table, id, _creationTime as number, fields);
    const previous = { document, id, json: stored.json, size: stored.size, keys: indexKeys(table, document) };
    this.store.documents.replace(table, stored, previous, next);
    this.#noteWrite(table, next, previous);
  }

  remove(table: TableInfo | null, id: string): void {
    if (table !== null) this.#assertUserTable(table.name);
    if (table === null || !this.removeSystem(table, id))
      throw new Error(`Delete on nonexistent document ID ${id}`);
  }

  /** Deletes a document of any table; false when there is none. */
  removeSystem(table: TableInfo, id: string): boolean {
    this.assertWritable();
    const stored = this.#read(table, id);
    if (stored === null) return false;
    const document = parseDocument(stored.json);
    const previous = { document, id, json: stored.json, size: stored.size, keys: indexKeys(table, document) };
    this.store.documents.remove(table, stored, previous);
    this.#noteWrite(table, null, previous);
    return true;
  }

  count(tableName: string): number {
    this.#assertOpen();
    const table = this.table(tableName);
    if (table === null) return 0;
    this.limits.add("databaseQueries", 1);
    this.reads.add(table.byCreation.num, "", "\xff");
    return this.store.documents.count(table);
  }

  /** Runs `work` so that an exception undoes its writes and nothing else. */
  nested<T>(work: () => T): T {
    const rollBack = this.savepoint();
    try {
      const result = work();
      rollBack.release();
      return result;
    } catch (error) {
      rollBack.undo();
      throw error;
    }
  }

  /** Opens a savepoint; exactly one of `release` and `undo` must follow, innermost first. */
  savepoint(): { release(): void; undo(): void } {
    const { driver, catalog } = this.store;
    const touched = this.#touched.length;
    const scheduled = this.#scheduled;
    const pending = new Set(this.#withCommitTs);
    const undoMetrics = this.limits.snapshot();
    if (this.writable) driver.prepare("SAVEPOINT nested").run();
    return {
      release: () => {
        if (this.writable) driver.prepare("RELEASE nested").run();
      },
      undo: () => {
        if (!this.writable) return;
        driver.prepare("ROLLBACK TO nested").run();
        driver.prepare("RELEASE nested").run();
        const madeTable = this.#touched.slice(touched).some(({ index }) => index === TABLE_NAMES_INDEX);
        this.#touched.length = touched;
        this.#scheduled = scheduled;
        this.#withCommitTs = pending;
        this.writeVersion++;
        undoMetrics();
        if (madeTable) catalog.reload();
      },
    };
  }

  /** Ends the function's access: later reads and writes throw. Records what open streams have read. */
  close(): void {
    if (this.#closed) return;
    for (const read of this.#openReads) read.record();
    this.#openReads.clear();
    this.#closed = true;
  }

  /** Gives commit timestamps their value; call once, after the function has ended and before the SQL COMMIT. */
  resolveCommitTimestamps(): void {
    for (const id of this.#withCommitTs) {
      const table = this.store.catalog.tableByNumber(tableNumberOf(id) ?? 0);
      const stored = table === null ? null : this.store.documents.get(table, id);
      if (table === null || stored === null || !mentionsCommitTs(stored.json)) continue;
      const document = parseDocument(stored.json);
      const resolved = resolveCommitTs(document as Value, this.commitTs) as Document;
      const { _id, _creationTime, ...fields } = resolved;
      const next = this.#version(table, id, _creationTime as number, fields);
      const previous = {
        document,
        id,
        json: stored.json,
        size: stored.size,
        keys: indexKeys(table, document),
      };
      this.store.documents.replace(table, stored, previous, next);
      this.#touch(table, next);
    }
  }

  #fieldsOf(method: string, json: JSONValue): Document {
    const malformed = explainMalformed(json);
    if (malformed !== null) throw new Error(malformed);
    const value = jsonToConvex(json);
    if (!isRecord(value))
      throw new Error(`Invalid argument \`value\` for \`db.${method}\`: expected an object`);
    for (const name of Object.keys(value)) {
      if (name.startsWith("_") && name !== "_id" && name !== "_creationTime") {
        throw new Error(
          `Field '${name}' starts with an underscore, which is only allowed for system fields like '_id'`,
        );
      }
      if (name === "") throw new Error("Field names must not be empty");
    }
    return value;
  }

  #version(table: TableInfo, id: string, creationTime: number, fields: Document): Version {
    const schemaError = this.schema.explain(table.name, fields as Value, this.tableOf);
    if (schemaError !== null) {
      throw new Error(
        `Failed to insert or update a document in table "${table.name}" because it does not match the schema: ${schemaError}`,
      );
    }
    const document = sortFields({ ...fields, _creationTime: creationTime, _id: id });
    const size = getConvexSize(document as Value);
    if (size > LIMITS.documentBytes) {
      throw new Error(`Value is too large (${size} bytes > maximum size ${LIMITS.documentBytes} bytes)`);
    }
    const json = JSON.stringify(convexToJson(document as Value));
    return { document, id, json, size, keys: indexKeys(table, document) };
  }

  #noteWrite(table: TableInfo, next: Version | null, previous: Version | null): void {
    this.writeVersion++;
    this.limits.add("documentsWritten", 1);
    this.limits.add("bytesWritten", next?.size ?? 0);
    if (next !== null && mentionsCommitTs(next.json)) this.#withCommitTs.add(next.id);
    if (previous !== null) this.#touch(table, previous);
    if (next !== null) this.#touch(table, next, previous);
  }

  #touch(table: TableInfo, version: Version, already: Version | null = null): void {
    if (already === null) this.#touched.push({ index: table.byId.num, key: encodeValue(version.id) });
    for (const [i, index] of table.databaseIndexes.entries()) {
      const key = version.keys[i]!;
      if (already?.keys[i] !== key) this.#touched.push({ index: index.num, key });
    }
    for (const index of table.otherIndexes) this.#touched.push({ index: index.num, key: "" });
  }

  #assertUserTable(name: string): void {
    if (name.startsWith("_")) throw new Error(READ_ONLY_SYSTEM);
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/.test(name))
      throw new Error(`Invalid table name "${name.slice(0, 80)}"`);
  }

  assertWritable(): void {
    this.#assertOpen();
    if (!this.writable) throw new Error("Queries cannot write to the database. Use a mutation.");
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new Error(
        "This function has already ended, so it cannot use the database any more. Did you forget to `await`?",
      );
    }
  }

  assertOpen(): void {
    this.#assertOpen();
  }
}

/** Names of the tables that only `db.system` reads. */
export const isSystemTable = (name: string): boolean => Object.hasOwn(SYSTEM_TABLES, name);

/**
 * The rows of stored files: `_storage` as functions see it, and beside it two plain tables: `files`, which blob a row
 * stands for, and `files_removed`, blobs whose row is gone and which are still to be deleted from the disk.
 */
import { randomUUID } from "node:crypto";
import { parseDocument } from "../storage/documents.ts";
import type { Driver } from "../storage/driver.ts";
import type { Transaction } from "../runtime/transaction.ts";
import { tableNumberOf } from "../values/ids.ts";
import type { WrittenBlob } from "./blobFolder.ts";

export const STORAGE = "_storage";

export interface FileRow {
  readonly id: string;
  /** The last part of the file's URL; an import keeps it. */
  readonly uuid: string;
  /** The blob's name. */
  readonly blob: string;
  /** Base64. */
  readonly sha256: string;
  readonly size: number;
  readonly contentType: string | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (text: string): boolean => UUID.test(text);

export function createFileTables(driver: Driver): void {
  driver.exec(`
    CREATE TABLE IF NOT EXISTS files(
      uuid TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, blob TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS files_removed(blob TEXT PRIMARY KEY) WITHOUT ROWID;`);
}

/** The row of a file, by its id or by its UUID (an older form of ids), or null. Recorded as a read. */
export function findFile(tx: Transaction, storageId: string): FileRow | null {
  const { driver, catalog } = tx.store;
  const id = isUuid(storageId)
    ? driver.prepare("SELECT id FROM files WHERE uuid = ?").get(storageId)?.["id"]
    : storageId;
  const table = catalog.table(STORAGE);
  if (typeof id !== "string" || table === null) return null;
  const json = tx.get(table, id);
  const link = driver.prepare("SELECT uuid, blob FROM files WHERE id = ?").get(id);
  if (json === null || link === undefined) return null;
  const { sha256, size, contentType } = parseDocument(json);
  return {
    id,
    uuid: link["uuid"] as string,
    blob: link["blob"] as string,
    sha256: sha256 as string,
    size: size as number,
    contentType: (contentType as string | undefined) ?? null,
  };
}

/** @throws Error in Convex's words when the text can be no file's id. */
export function checkStorageId(tx: Transaction, method: string, storageId: unknown): string {
  if (typeof storageId !== "string") {
    throw new Error(`Invalid argument \`storageId\` for \`storage.${method}\`: expected a string`);
  }
  if (isUuid(storageId)) return storageId;
  const num = tableNumberOf(storageId);
  if (num === null) {
    throw new Error(
      `Invalid argument \`storageId\` for \`storage.${method}\`: Unable to decode ID: Invalid ID "${storageId.slice(0, 64)}"`,
    );
  }
  const table = tx.store.catalog.tableByNumber(num);
  if (table?.name !== STORAGE) {
    throw new Error(
      `Invalid argument \`storageId\` for \`storage.${method}\`: expected an ID in table "_storage", ` +
        `got one in table "${table?.name ?? "unknown"}"`,
    );
  }
  return storageId;
}

/** Adds the row of a blob that is on the disk; returns the file's id. */
export function insertFile(tx: Transaction, blob: WrittenBlob, contentType: string | null): string {
  const id = tx.insertSystem(STORAGE, {
    sha256: blob.sha256.toString("base64"),
    size: blob.size,
    ...(contentType === null ? {} : { contentType }),
  });
  linkBlob(tx, { id, uuid: randomUUID(), blob: blob.name });
  return id;
}

/** Says which URL and which blob a row of `_storage` stands for. */
export function linkBlob(tx: Transaction, { id, uuid, blob }: Pick<FileRow, "id" | "uuid" | "blob">): void {
  tx.store.driver.prepare("INSERT INTO files(uuid, id, blob) VALUES(?, ?, ?)").run(uuid, id, blob);
}

/** Removes a file's row; its blob follows after the commit. False when there is no such file. */
export function removeFile(tx: Transaction, storageId: string): boolean {
  const file = findFile(tx, storageId);
  if (file === null) return false;
  const { driver, catalog } = tx.store;
  tx.removeSystem(catalog.table(STORAGE)!, file.id);
  driver.prepare("DELETE FROM files WHERE uuid = ?").run(file.uuid);
  driver.prepare("INSERT OR IGNORE INTO files_removed(blob) VALUES(?)").run(file.blob);
  return true;
}

export const removedBlobs = (driver: Driver): string[] =>
  driver
    .prepare("SELECT blob FROM files_removed")
    .all()
    .map((row) => row["blob"] as string);

export function forgetRemoved(driver: Driver, blobs: readonly string[]): void {
  const forget = driver.prepare("DELETE FROM files_removed WHERE blob = ?");
  for (const blob of blobs) forget.run(blob);
}

/** Every blob that a row stands for. */
export const linkedBlobs = (driver: Driver): Set<string> =>
  new Set(
    driver
      .prepare("SELECT blob FROM files")
      .all()
      .map((row) => row["blob"] as string),
  );

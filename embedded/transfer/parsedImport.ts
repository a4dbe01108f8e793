/** What an uploaded file holds, whatever its format: tables with rows, and stored files. */
import type { JSONValue } from "convex/values";

export type ImportFormat =
  { readonly format: "zip" } | { readonly format: "csv" | "jsonLines" | "jsonArray"; readonly table: string };

/** A document in Convex's JSON encoding; `row` counts from 1. */
export interface ImportRow {
  readonly row: number;
  readonly fields: Record<string, JSONValue>;
}

export interface ImportTable {
  readonly name: string;
  /** Reads the rows from the start; may be called again. @throws TransferError for the first row that is none. */
  rows(): AsyncIterable<ImportRow>;
}

/** One line of `_storage/documents.jsonl`. */
export interface ImportFileMetadata {
  readonly id: string;
  readonly creationTime: number | null;
  readonly sha256: string | null;
  readonly contentType: string | null;
  /** The last part of the file's URL. */
  readonly uuid: string | null;
}

export interface ImportFile {
  readonly id: string;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export interface ImportStorage {
  /** By file id. */
  metadata(): Promise<Map<string, ImportFileMetadata>>;
  readonly files: readonly ImportFile[];
}

export interface ParsedImport {
  readonly tables: readonly ImportTable[];
  /** The numbers that the snapshot's tables had, which its ids contain. */
  readonly tableNumbers: ReadonlyMap<string, number>;
  /** Null when the import holds no file storage. */
  readonly storage: ImportStorage | null;
  close(): void;
}

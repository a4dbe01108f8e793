/** Stored files: blobs on the disk and their rows in the database, kept so that a row never points to nothing. */
import type { Logger } from "../log.ts";
import type { Transaction } from "../runtime/transaction.ts";
import { secretOf } from "../storage/meta.ts";
import type { Store } from "../storage/store.ts";
import { openBlobFolder, type BlobFolder } from "./blobFolder.ts";
import {
  createFileTables,
  findFile,
  forgetRemoved,
  insertFile,
  linkedBlobs,
  removedBlobs,
  type FileRow,
} from "./fileRows.ts";
import { makeUploadTokens, type UploadTokens } from "./uploadToken.ts";

export const DEFAULT_MAX_FILE_BYTES = 1 << 30;

export interface FileStoreOptions {
  readonly store: Store;
  /** A folder of the files' own, usually `<database>.files`. */
  readonly folder: string;
  /** Where clients reach this server, without a slash at the end; for the URLs that functions hand out. */
  readonly origin: () => string;
  readonly now: () => number;
  readonly log: Logger;
  readonly maxFileBytes?: number;
  /** Runs `work` in a write transaction of its own; resolves when it is durable. */
  readonly write: <T>(work: (tx: Transaction) => T) => Promise<T>;
  /** Runs `work` between transactions, on committed data. */
  readonly read: <T>(work: (tx: Transaction) => T) => Promise<T>;
}

export interface StoreRequest {
  readonly contentType: string | null;
  /** The digest that the bytes must have, or null. */
  readonly sha256: Buffer | null;
}

const SHA256_BYTES = 32;

export class FileStore {
  readonly blobs: BlobFolder;
  readonly tokens: UploadTokens;
  readonly maxFileBytes: number;
  readonly #options: FileStoreOptions;
  #holds = 0;
  #pending = false;
  #sweeping: Promise<void> | null = null;

  /** Opens the folder and removes blobs that no row stands for: what a crash has left behind. */
  constructor(options: FileStoreOptions) {
    this.#options = options;
    this.maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;
    createFileTables(options.store.driver);
    this.blobs = openBlobFolder(options.folder);
    this.tokens = makeUploadTokens(secretOf(options.store.meta, "uploads"));
  }

  /** Call once before serving. Returns how many blobs were removed and how many rows have lost theirs. */
  async recover(): Promise<{ removed: number; missing: number }> {
    const { driver } = this.#options.store;
    const linked = linkedBlobs(driver);
    const found = this.blobs.names();
    const orphans = found.filter((name) => !linked.has(name));
    for (const name of orphans) await this.blobs.remove(name);
    forgetRemoved(driver, removedBlobs(driver));
    const present = new Set(found);
    const missing = [...linked].filter((name) => !present.has(name));
    if (orphans.length > 0) this.#options.log("info", "files.swept", { blobs: orphans.length });
    // Only somebody else's hand can do this: rows are written after their blobs and removed before them.
    if (missing.length > 0) this.#options.log("error", "files.missing", { blobs: missing.length });
    return { removed: orphans.length, missing: missing.length };
  }

  now(): number {
    return this.#options.now();
  }

  uploadUrl(nowMs: number): string {
    return `${this.#options.origin()}/api/storage/upload?token=${this.tokens.issue(nowMs)}`;
  }

  urlOf(file: FileRow): string {
    return `${this.#options.origin()}/api/storage/${file.uuid}`;
  }

  /**
   * Stores bytes as a new file and returns its id.
   * @throws FileError when they are too many, end early, or have another digest.
   */
  async store(bytes: AsyncIterable<Uint8Array>, request: StoreRequest): Promise<string> {
    const blob = await this.blobs.write(bytes, { maxBytes: this.maxFileBytes, sha256: request.sha256 });
    try {
      return await this.#options.write((tx) => insertFile(tx, blob, request.contentType));
    } catch (error) {
      await this.blobs.remove(blob.name);
      throw error;
    }
  }

  /** The file's row, from committed data. */
  find(storageId: string): Promise<FileRow | null> {
    return this.#options.read((tx) => findFile(tx, storageId));
  }

  /** Says that a transaction has removed files: their blobs go after it has committed. */
  removalsPending(): void {
    this.#pending = true;
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = null;
    });
  }

  /** Keeps every blob on the disk until the returned function is called (while an export reads them). */
  hold(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds--;
      this.removalsPending();
    };
  }

  /** Resolves when removals that were pending have been made. */
  async settled(): Promise<void> {
    while (this.#sweeping !== null) await this.#sweeping;
  }

  async #sweepAll(): Promise<void> {
    while (this.#pending) {
      this.#pending = false;
      await this.#sweep();
    }
  }

  async #sweep(): Promise<void> {
    try {
      // A transaction that is still running may be undone: `read` waits for its end.
      const removed = await this.#options.read((tx) => removedBlobs(tx.store.driver));
      if (removed.length === 0 || this.#holds > 0) return;
      for (const name of removed) await this.blobs.remove(name);
      await this.#options.write((tx) => forgetRemoved(tx.store.driver, removed));
    } catch (error) {
      // What is left is removed at the next removal, or at the next start.
      this.#options.log("warn", "files.sweep_failed", { reason: (error as Error).message });
    }
  }
}

/** Reads a digest as clients give it: base64 or hexadecimal; null when it is neither. */
export function parseSha256(text: string): Buffer | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  const bytes = Buffer.from(text, "base64");
  return bytes.length === SHA256_BYTES ? bytes : null;
}

/** An open database: the driver with everything that reads and writes it, and the clock of its commits. */
import { openCatalog, SYSTEM_TABLES, type Catalog } from "./catalog.ts";
import { openDocuments, type Documents } from "./documents.ts";
import type { Driver } from "./driver.ts";
import { openDatabase, type Durability } from "./format.ts";
import type { IndexExtension } from "./indexExtension.ts";
import { lockDatabase } from "./lock.ts";
import { openMeta, type Meta } from "./meta.ts";

export interface Store {
  readonly driver: Driver;
  readonly catalog: Catalog;
  readonly documents: Documents;
  readonly meta: Meta;
  readonly extensions: readonly IndexExtension[];
  /** The timestamp of the last commit, in Unix nanoseconds. */
  lastTs(): bigint;
  /** A timestamp after every earlier one; it becomes the last one when `markCommitted` is called with it. */
  nextTs(): bigint;
  /** Writes the timestamp into the database; call just before the SQL COMMIT. */
  markCommitted(ts: bigint): void;
  /** A creation time in milliseconds, greater than every one before it in this process. */
  nextCreationTime(): number;
  close(): void;
}

export interface StoreOptions {
  readonly path: string;
  readonly durability: Durability;
  /** Makes the full-text and vector parts for this driver. */
  readonly extensions: (driver: Driver) => readonly IndexExtension[];
  readonly now: () => number;
}

/** A step that stays exact when added to a millisecond timestamp of this century. */
const CREATION_STEP_MS = 2 ** -10;

/**
 * Opens a database file (`:memory:` for a private one).
 * @throws DatabaseRefusedError when the file is in use, corrupted, newer, or not ours.
 */
export function openStore(options: StoreOptions): Store {
  const unlock = options.path === ":memory:" ? () => {} : lockDatabase(options.path);
  let driver: Driver;
  try {
    driver = openDatabase(options.path, options.durability);
  } catch (error) {
    unlock();
    throw error;
  }
  const meta = openMeta(driver);
  const catalog = openCatalog(driver);
  driver.exec("BEGIN IMMEDIATE");
  for (const name of Object.keys(SYSTEM_TABLES)) catalog.ensureTable(name);
  driver.exec("COMMIT");
  const extensions = options.extensions(driver);
  let lastTs = BigInt(meta.get("lastTs") ?? "0");
  let lastCreation = 0;
  return {
    driver,
    catalog,
    documents: openDocuments(driver, extensions),
    meta,
    extensions,
    lastTs: () => lastTs,
    nextTs: () => {
      const now = BigInt(Math.floor(options.now() * 1_000)) * 1_000n;
      return now > lastTs ? now : lastTs + 1n;
    },
    markCommitted: (ts) => {
      meta.set("lastTs", ts.toString());
      lastTs = ts;
    },
    nextCreationTime: () => {
      lastCreation = Math.max(options.now(), lastCreation + CREATION_STEP_MS);
      return lastCreation;
    },
    close: () => {
      // One file is left behind, complete in itself, for whoever copies it.
      driver.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
      driver.close();
      unlock();
    },
  };
}

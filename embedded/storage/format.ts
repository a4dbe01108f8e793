/** The database file's format: its tables, its version, and the checks made before it is used. */
import { existsSync, mkdirSync, openSync, readSync, closeSync } from "node:fs";
import path from "node:path";
import { openDriver, type Driver } from "./driver.ts";
import { DatabaseRefusedError } from "./errors.ts";

/** Rises when older code could not read what this code writes. */
export const FORMAT_VERSION = 1;
/** "CVXE" in SQLite's header, so that somebody else's database is recognised. */
const APPLICATION_ID = 0x43565845;

/**
 * docs: one row a document; `seq` is what index entries point to, `size` is Convex's size of it in bytes.
 * idx: one row a document and index; `key` ends with the document's id, so it is unique.
 * jobs: the scheduled functions that are still to run. requests: answers to mutations, for exactly-once retries.
 */
const DDL = `
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tables(num INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE indexes(num INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  spec TEXT NOT NULL, UNIQUE(tbl, name));
CREATE TABLE docs(seq INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, id TEXT NOT NULL, json TEXT NOT NULL,
  size INTEGER NOT NULL, UNIQUE(tbl, id));
CREATE TABLE idx(ix INTEGER NOT NULL, key BLOB NOT NULL, doc INTEGER NOT NULL, PRIMARY KEY(ix, key)) WITHOUT ROWID;
CREATE TABLE jobs(id TEXT PRIMARY KEY, due REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX jobs_by_due ON jobs(due);
CREATE TABLE crons(name TEXT PRIMARY KEY, spec TEXT NOT NULL, next REAL NOT NULL, job TEXT) WITHOUT ROWID;
CREATE TABLE requests(session TEXT NOT NULL, request INTEGER NOT NULL, response TEXT NOT NULL, at REAL NOT NULL,
  PRIMARY KEY(session, request)) WITHOUT ROWID;
CREATE INDEX requests_by_at ON requests(at);
CREATE TABLE modules(path TEXT PRIMARY KEY, environment TEXT NOT NULL, source TEXT NOT NULL,
  source_map TEXT) WITHOUT ROWID;
CREATE TABLE env(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

const SQLITE_MAGIC = "SQLite format 3\0";

/** Refuses a file that is not a SQLite database before SQLite sees it. */
function checkMagic(dbPath: string): void {
  if (!existsSync(dbPath)) return;
  const header = Buffer.alloc(SQLITE_MAGIC.length);
  const descriptor = openSync(dbPath, "r");
  const length = readSync(descriptor, header, 0, header.length, 0);
  closeSync(descriptor);
  if (length !== 0 && header.toString("latin1") !== SQLITE_MAGIC) {
    throw new DatabaseRefusedError(
      "corrupted",
      dbPath,
      `${dbPath} is not a SQLite database. Nothing was changed; move it away or give another --db.`,
    );
  }
}

const pragma = (driver: Driver, name: string): number =>
  Number(driver.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);

function checkFormat(driver: Driver, dbPath: string): "empty" | "ours" {
  const tables = Number(driver.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.["n"]);
  if (tables === 0) return "empty";
  if (pragma(driver, "application_id") !== APPLICATION_ID) {
    throw new DatabaseRefusedError(
      "not-ours",
      dbPath,
      `${dbPath} is a SQLite database of another program. Give another --db.`,
    );
  }
  const version = pragma(driver, "user_version");
  if (version > FORMAT_VERSION) {
    throw new DatabaseRefusedError(
      "newer-format",
      dbPath,
      `${dbPath} has format ${version}, and this program reads up to ${FORMAT_VERSION}. ` +
        "Start the newer version that wrote it. Nothing was changed.",
    );
  }
  const result = driver.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (result !== "ok") throw new Error(`quick_check says: ${String(result)}`);
  return "ours";
}

/** How a commit reaches the disk: `full` survives a power cut, `normal` survives the process being killed. */
export type Durability = "full" | "normal";

/**
 * Opens the database at `dbPath`, making it and its folder when missing.
 * @throws DatabaseRefusedError when the file is corrupted, of a newer format, or of another program.
 */
export function openDatabase(dbPath: string, durability: Durability): Driver {
  if (dbPath !== ":memory:") {
    mkdirSync(path.dirname(path.resolve(dbPath)), { recursive: true });
    checkMagic(dbPath);
  }
  let driver: Driver | null = null;
  try {
    driver = openDriver(dbPath);
    driver.exec("PRAGMA busy_timeout = 2000");
    const state = checkFormat(driver, dbPath);
    driver.exec("PRAGMA journal_mode = WAL");
    driver.exec(`PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"}`);
    driver.exec("PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000");
    if (state === "empty") {
      driver.exec(
        `BEGIN IMMEDIATE; ${DDL} PRAGMA application_id = ${APPLICATION_ID};
         PRAGMA user_version = ${FORMAT_VERSION}; COMMIT;`,
      );
    }
    return driver;
  } catch (error) {
    driver?.close();
    if (error instanceof DatabaseRefusedError) throw error;
    throw new DatabaseRefusedError(
      "corrupted",
      dbPath,
      `${dbPath} cannot be read as a database: ${(error as Error).message}. Nothing was repaired; ` +
        "restore a copy, or move the file away to start empty.",
      { cause: error },
    );
  }
}

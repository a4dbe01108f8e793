/**
 * One process owns a database file. The owner holds a file beside it, `<path>.lock`, that names its process id and
 * its start time; a lock whose process is gone is taken over.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { DatabaseRefusedError } from "./errors.ts";

const vOwner = z.object({ pid: z.number().int().positive(), startedAt: z.string(), boot: z.string() });
type Owner = z.infer<typeof vOwner>;

/** When a process started, in clock ticks since boot, so that a reused process id is told apart. Linux only. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.boot !== bootId()) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return startTimeOf(owner.pid) === owner.startedAt;
}

function readOwner(lockPath: string): Owner | null {
  try {
    return vOwner.parse(JSON.parse(readFileSync(lockPath, "utf8")));
  } catch {
    return null;
  }
}

function tryCreate(lockPath: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(lockPath, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  const owner: Owner = { pid: process.pid, startedAt: startTimeOf(process.pid), boot: bootId() };
  writeSync(descriptor, JSON.stringify(owner));
  closeSync(descriptor);
  return true;
}

/** Moves a dead owner's lock out of the way; only one of two racing processes can move the same file. */
function removeStale(lockPath: string): void {
  const moved = `${lockPath}.${process.pid}.stale`;
  try {
    renameSync(lockPath, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return;
  }
  rmSync(moved, { force: true });
}

const FRESH_LOCK_MS = 2_000;

/** A lock that cannot be read yet may be one that its owner is just writing. */
function isBeingWritten(lockPath: string): boolean {
  try {
    return Date.now() - statSync(lockPath).mtimeMs < FRESH_LOCK_MS;
  } catch {
    return false;
  }
}

/**
 * Takes the lock of the database at `path` and returns the function that releases it.
 * @throws DatabaseRefusedError (`in-use`) when a living process owns the file.
 */
export function lockDatabase(path: string): () => void {
  const lockPath = `${path}.lock`;
  // The lock is the first file there is: the database's folder may not exist yet.
  mkdirSync(dirname(resolve(lockPath)), { recursive: true });
  for (let attempt = 0; attempt < 3; attempt++) {
    if (tryCreate(lockPath)) return () => rmSync(lockPath, { force: true });
    const owner = readOwner(lockPath);
    if (owner === null ? isBeingWritten(lockPath) : isAlive(owner)) {
      const who = owner === null ? "another process" : `process ${owner.pid}`;
      throw new DatabaseRefusedError(
        "in-use",
        path,
        `The database ${path} is in use by ${who}. Stop that one first, or give this one another --db.`,
      );
    }
    removeStale(lockPath);
  }
  throw new DatabaseRefusedError("in-use", path, `The database ${path} is being opened by other processes.`);
}

import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type * as z from "zod";

/** Of what is being written; its name does not grow with the file's own, which may be as long as names can be. */
const UNFINISHED = ".new";

/**
 * Files that hold keys: 0600 in a folder of 0700, replaced at once, so that a reader finds the old or the whole new one,
 * also after a power cut.
 */
export async function writePrivate(path: string, content: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const beside = join(folder, `.${randomBytes(8).toString("hex")}${UNFINISHED}`);
  try {
    const file = await open(beside, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
  await syncFolder(folder);
}

/** The folder's own entries have to reach the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes what writes that were cut off have left in `folder`. Nobody may be writing there. */
export async function clearUnfinished(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true });
  }
}

/** None where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}

/** Null where there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  return await unlessMissing(readFile(path, "utf8"));
}

/**
 * What a file of JSON holds; null where there is none.
 * @returns `unreadable` where it is not JSON of this shape. Why is not said: a parser's message quotes the file, keys and all.
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | "unreadable" | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return "unreadable";
  }
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

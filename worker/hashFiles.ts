import type { Hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/**
 * Adds the names and contents of files to `hash`, in an order that is always the same.
 * @param parts files, and folders with all that is below them, of `root`
 * @param counts whether a file counts, by its path below `root`; default: each does
 * @throws what reading them throws
 */
export async function hashFiles(
  hash: Hash,
  root: string,
  parts: readonly string[],
  counts: (name: string) => boolean = () => true,
): Promise<void> {
  for (const part of parts) {
    for (const file of await filesAt(join(root, part))) {
      const name = relative(root, file);
      if (counts(name)) hash.update(`\0${name}\0`).update(await readFile(file));
    }
  }
}

async function filesAt(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return null;
    throw error;
  });
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

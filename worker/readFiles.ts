import type { Hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Contents by path, in an order that is always the same. */
export type Files = ReadonlyMap<string, Buffer>;

/**
 * @param parts files, and folders with all that is below them, of `root`
 * @param counts whether a file counts, by its path below `root`; default: each does
 * @returns contents by path below `root`
 * @throws what reading them throws
 */
export async function readFiles(
  root: string,
  parts: readonly string[],
  counts: (name: string) => boolean = () => true,
): Promise<Files> {
  const files = new Map<string, Buffer>();
  for (const part of parts) {
    for (const file of await filesAt(join(root, part))) {
      const name = relative(root, file);
      if (counts(name)) files.set(name, await readFile(file));
    }
  }
  return files;
}

/** Adds names and contents to `hash`. */
export function hashFiles(hash: Hash, files: Files): void {
  for (const [name, content] of files) hash.update(`\0${name}\0`).update(content);
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

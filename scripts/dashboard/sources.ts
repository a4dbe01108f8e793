import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** What the dashboard is made of, in a checkout: folders, and files. */
const PARTS = ["dashboard", "core", "convex/_generated", "package-lock.json"];
const IS_NO_SOURCE = /(?:^|\/)(?:dist(?:\.[^/]*)?|node_modules)(?:\/|$)|\.test\.tsx?$|\.md$/;

/** What tells whether the dashboard is to be built again: a hash over every file that it is made of. */
export async function sourcesHash(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const part of PARTS) {
    for (const file of await filesAt(join(root, part))) {
      const name = relative(root, file);
      if (!IS_NO_SOURCE.test(name)) hash.update(`\0${name}\0`).update(await readFile(file));
    }
  }
  return hash.digest("hex").slice(0, 32);
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

import { createHash } from "node:crypto";
import { hashFiles, readFiles } from "../../worker/readFiles.ts";

/** What the dashboard is made of, in a checkout: folders, and files. */
const PARTS = ["dashboard", "core", "convex/_generated", "package-lock.json"];
const IS_NO_SOURCE = /(?:^|\/)(?:dist(?:\.[^/]*)?|node_modules)(?:\/|$)|\.test\.tsx?$|\.md$/;

/** What tells whether the dashboard is to be built again: a hash over every file that it is made of. */
export async function sourcesHash(root: string): Promise<string> {
  const hash = createHash("sha256");
  hashFiles(hash, await readFiles(root, PARTS, (name) => !IS_NO_SOURCE.test(name)));
  return hash.digest("hex").slice(0, 32);
}

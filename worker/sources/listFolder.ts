import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";
import { SOURCE_LIMITS } from "../../core/source.ts";
import { linkStaysInside, workspaceParts } from "../../core/workspacePath.ts";
import { IgnoreRules, RULE_FILES } from "./ignoreRules.ts";

export type FolderEntry = {
  /** Relative to the folder, with `/` between. */
  path: string;
} & (
  | { kind: "folder" }
  | { kind: "file"; bytes: number; executable: boolean; modifiedMs: number }
  /** What it says, which is inside the folder. */
  | { kind: "link"; target: string }
);

export type FolderListing = {
  /** Each folder before what is in it; by name within a folder. */
  entries: FolderEntry[];
  files: number;
  bytes: number;
  /** What cannot be part of a source, and why. */
  skipped: { path: string; why: string }[];
  /** What its ignore files say. */
  rules: IgnoreRules;
};

const EXECUTABLE = 0o111;

/**
 * Everything in `root` that can be part of a source.
 * @param obeyRules whether .gitignore and .slipwayignore files leave things out; `.git` is left out in any case
 * @throws SlipwayError `bad_request` where there is no such folder, `too_much` where it holds more than a source may
 */
export async function listFolder(
  root: string,
  { obeyRules, limits = SOURCE_LIMITS }: { obeyRules: boolean; limits?: { files: number; bytes: number } },
): Promise<FolderListing> {
  const rules = new IgnoreRules();
  const listing: FolderListing = { entries: [], files: 0, bytes: 0, skipped: [], rules };
  await requireFolder(root);
  const walk = async (folder: string): Promise<void> => {
    const found = await readdir(join(root, folder), { withFileTypes: true });
    if (obeyRules) await addRules(rules, root, folder, new Set(found.map(({ name }) => name)));
    for (const entry of found.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (rules.ignores(path, entry.isDirectory())) continue;
      if (workspaceParts(path) === null) {
        listing.skipped.push({ path, why: "its path is too long" });
        continue;
      }
      if (listing.entries.length >= limits.files) throw tooMuch(root, `more than ${limits.files} files`);
      if (entry.isDirectory()) {
        listing.entries.push({ path, kind: "folder" });
        await walk(path);
      } else {
        await addEntry(listing, root, path);
        if (listing.bytes > limits.bytes)
          throw tooMuch(root, `more than ${Math.round(limits.bytes / 1024 ** 2)} MiB`);
      }
    }
  };
  await walk("");
  return listing;
}

async function addEntry(listing: FolderListing, root: string, path: string): Promise<void> {
  const skip = (why: string) => void listing.skipped.push({ path, why });
  const found = await lstat(join(root, path)).catch(() => null);
  if (found === null) return skip("it cannot be read, or its name is no UTF-8");
  if (found.isFile()) {
    listing.files += 1;
    listing.bytes += found.size;
    const { size: bytes, mtimeMs: modifiedMs } = found;
    listing.entries.push({
      path,
      kind: "file",
      bytes,
      executable: (found.mode & EXECUTABLE) !== 0,
      modifiedMs,
    });
  } else if (found.isSymbolicLink()) {
    const target = await readlink(join(root, path));
    if (!linkStaysInside(path, target)) return skip("it is a link that leads out of the folder");
    listing.files += 1;
    listing.entries.push({ path, kind: "link", target });
  } else skip("it is no file, folder or link");
}

async function addRules(
  rules: IgnoreRules,
  root: string,
  folder: string,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const name of RULE_FILES) {
    if (!names.has(name)) continue;
    const file = join(root, folder, name);
    if ((await lstat(file)).isFile()) rules.add(folder, await readFile(file, "utf8"));
  }
}

async function requireFolder(root: string): Promise<void> {
  const found = await lstat(join(root, ".")).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (!(found instanceof Error) && found.isDirectory()) return;
  throw new SlipwayError({
    code: "bad_request",
    message: `${root} is no folder that can be read.`,
    path: "source",
    hint: "Name a folder with the project's files.",
  });
}

function tooMuch(root: string, what: string): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `${root} holds ${what}: a source may not.`,
    hint: "Leave out what is made from other files (node_modules, builds) with a .gitignore or a .slipwayignore file.",
  });
}

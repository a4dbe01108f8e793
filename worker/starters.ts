import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pack, type Pack } from "tar-stream";
import { WORKSPACE } from "../core/render/view.ts";
import { SlipwayError } from "../core/errors.ts";

/** Whom a workspace belongs to: the user that every project container runs as. */
const OWNER = { uid: 1000, gid: 1000 };
const EXECUTABLE = 0o111;

/** A stack's first files, for a folder of the workspace; `.` is its top. */
export type Starter = { stack: string; folder: string };

export interface Starters {
  /**
   * Their files as one tar; unpacked at `/`, so that the workspace itself gets its owner too.
   * @param at where it is unpacked: `/` (the default), or the workspace, whose own owner stays as it is
   */
  tar(starters: readonly Starter[], at?: "/" | typeof WORKSPACE): Promise<Buffer>;
  /** The contents of a starter's files by their path in its folder, in the order in which a tar has them. */
  files(stack: string): Promise<ReadonlyMap<string, Buffer>>;
}

/** @param folderOf the folder on this machine that holds a stack's starter */
export function startersFrom(folderOf: (stack: string) => string): Starters {
  return {
    async tar(starters, at = "/") {
      const found = starters.map((starter) => ({ ...starter, source: folderOf(starter.stack) }));
      const tar = pack();
      const chunks: Buffer[] = [];
      const drained = (async () => {
        for await (const chunk of tar) chunks.push(chunk as Buffer);
      })();
      for (const { stack, folder, source } of found) {
        const target = [
          ...(at === "/" ? [WORKSPACE.slice(1)] : []),
          ...(folder === "." ? [] : folder.split("/")),
        ];
        try {
          await packInto(tar, source, target);
        } catch (error) {
          tar.destroy();
          await drained.catch(() => {});
          throw unreadable(stack, source, error);
        }
      }
      tar.finalize();
      await drained;
      return Buffer.concat(chunks);
    },
    async files(stack) {
      const source = folderOf(stack);
      try {
        const files = (await entriesBelow(source)).filter(({ entry }) => entry.isFile());
        return new Map(
          await Promise.all(files.map(async ({ path, name }) => [name, await readFile(path)] as const)),
        );
      } catch (error) {
        throw unreadable(stack, source, error);
      }
    },
  };
}

function unreadable(stack: string, source: string, cause: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: `The starter of the stack "${stack}" cannot be read from ${source}.`,
      hint: "Restore the folder from Slipway's repository.",
    },
    { cause },
  );
}

/** @returns all that is below a folder; `name`: its path there */
async function entriesBelow(folder: string): Promise<{ entry: Dirent; path: string; name: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { entry, path, name: relative(folder, path).split(sep).join("/") };
  });
}

async function packInto(tar: Pack, source: string, target: string[]): Promise<void> {
  for (let depth = 1; depth <= target.length; depth += 1) {
    tar.entry({ ...OWNER, name: target.slice(0, depth).join("/"), type: "directory", mode: 0o755 });
  }
  for (const { entry, path, name: below } of await entriesBelow(source)) {
    const name = [...target, below].join("/");
    if (entry.isDirectory()) tar.entry({ ...OWNER, name, type: "directory", mode: 0o755 });
    if (!entry.isFile()) continue;
    const { mode } = await stat(path);
    tar.entry({ ...OWNER, name, mode: mode & EXECUTABLE ? 0o755 : 0o644 }, await readFile(path));
  }
}

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pack } from "tar-stream";
import { WORKSPACE } from "../core/render/view.ts";
import { SlipwayError } from "../core/errors.ts";

/** Whom a workspace belongs to: the user that every project container runs as. */
const OWNER = { uid: 1000, gid: 1000 };
const EXECUTABLE = 0o111;

/** A stack's first files as a tar; unpacked at `/`, so that the workspace itself gets its owner too. */
export interface Starters {
  /**
   * @param folder of the workspace, `.` for its top
   * @param at where it is unpacked: `/` (the default), or the workspace, whose own owner stays as it is
   */
  tar(stack: string, folder: string, at?: "/" | typeof WORKSPACE): Promise<Buffer>;
}

/** @param folderOf the folder on this machine that holds a stack's starter */
export function startersFrom(folderOf: (stack: string) => string): Starters {
  return {
    async tar(stack, folder, at = "/") {
      const source = folderOf(stack);
      const target = [
        ...(at === "/" ? [WORKSPACE.slice(1)] : []),
        ...(folder === "." ? [] : folder.split("/")),
      ];
      try {
        return await tarOf(source, target);
      } catch (error) {
        throw new SlipwayError(
          {
            code: "setup",
            message: `The starter of the stack "${stack}" cannot be read from ${source}.`,
            hint: "Restore the folder from Slipway's repository.",
          },
          { cause: error },
        );
      }
    },
  };
}

async function tarOf(source: string, target: string[]): Promise<Buffer> {
  const tar = pack();
  const chunks: Buffer[] = [];
  const drained = (async () => {
    for await (const chunk of tar) chunks.push(chunk as Buffer);
  })();
  for (let depth = 1; depth <= target.length; depth += 1) {
    tar.entry({ ...OWNER, name: target.slice(0, depth).join("/"), type: "directory", mode: 0o755 });
  }
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = [...target, ...relative(source, path).split(sep)].join("/");
    if (entry.isDirectory()) tar.entry({ ...OWNER, name, type: "directory", mode: 0o755 });
    if (!entry.isFile()) continue;
    const { mode } = await stat(path);
    tar.entry({ ...OWNER, name, mode: mode & EXECUTABLE ? 0o755 : 0o644 }, await readFile(path));
  }
  tar.finalize();
  await drained;
  return Buffer.concat(chunks);
}

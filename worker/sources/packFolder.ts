import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { pack, type Pack } from "tar-stream";
import { WORKSPACE } from "../../core/render/view.ts";
import { SlipwayError } from "../../core/errors.ts";
import type { FolderEntry } from "./listFolder.ts";

/** Whom a workspace belongs to: the user that every project container runs as. */
export const OWNER = { uid: 1000, gid: 1000 };
/** What a tar that is unpacked at `/` begins its names with to reach the workspace. */
export const WORKSPACE_PREFIX = `${WORKSPACE.slice(1)}/`;

/**
 * The entries as a tar, read as they are needed.
 * @param prefix before each name: `` or {@link WORKSPACE_PREFIX}, whose folder then gets its owner too
 */
export function packFolder(root: string, entries: readonly FolderEntry[], prefix = ""): Readable {
  const tar = pack();
  void fill(tar, root, entries, prefix).catch((error: unknown) => tar.destroy(error as Error));
  return Readable.from(tar, { objectMode: false });
}

async function fill(tar: Pack, root: string, entries: readonly FolderEntry[], prefix: string): Promise<void> {
  if (prefix !== "") addFolder(tar, prefix.slice(0, -1));
  for (const entry of entries) {
    if (tar.destroyed) return;
    const name = prefix + entry.path;
    if (entry.kind === "folder") addFolder(tar, name);
    else if (entry.kind === "link") {
      tar.entry({ ...OWNER, name, type: "symlink", linkname: entry.target, mode: 0o777 });
    } else await addFile(tar, join(root, entry.path), name);
  }
  tar.finalize();
}

export function addFolder(tar: Pack, name: string): void {
  tar.entry({ ...OWNER, name, type: "directory", mode: 0o755 });
}

/** As large as it is when it is opened; a link that has taken its place is not followed. */
async function addFile(tar: Pack, file: string, name: string): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size, mode, mtime } = await handle.stat();
    const entry = tar.entry({ ...OWNER, name, size, mtime, mode: mode & 0o111 ? 0o755 : 0o644 });
    const content = size === 0 ? [] : handle.createReadStream({ end: size - 1, autoClose: false });
    // tar-stream refuses an entry that is shorter than it said.
    await pipeline(content, entry as unknown as NodeJS.WritableStream).catch((cause: unknown) => {
      throw changed(file, cause);
    });
  } finally {
    await handle.close();
  }
}

function changed(file: string, cause: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "bad_request",
      message: `${file} changed while it was being read.`,
      hint: "Try again once nothing writes to it.",
    },
    { cause },
  );
}

import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import ignore, { type Ignore } from "ignore";
import { extract } from "tar-stream";
import { chunkText, CODE_LIMITS, textOf, type CodeChunk } from "../../core/codeChunks.ts";

export type SourceFile = {
  /** Below the workspace, with `/` between folders. */
  path: string;
  /** SHA-256 of the content, in hex. */
  hash: string;
  chunks: CodeChunk[];
};

export type Source = {
  files: SourceFile[];
  /** Whether all of it was read: a workspace of more bytes than `MAX_BYTES` is read in part. */
  complete: boolean;
};

/** How much of one workspace is read: what its programs made beside its source is read on the way. */
export const MAX_BYTES = 256 * 1024 * 1024;

/** Never source, whatever a .gitignore says. */
const NEVER = [".git/", "node_modules/", ".venv/", "__pycache__/", "dist/", "*.lock", "package-lock.json"];

/**
 * Reads the source files of a workspace from its tar: text that no .gitignore leaves out and no limit keeps out.
 * @param top the folder that all names in the tar begin with, like `workspace`
 */
export async function readSource(tar: Readable, top: string): Promise<Source> {
  const found = new Map<string, Buffer>();
  const rules = new Map<string, string>();
  const complete = await readTar(tar, top, (path, bytes) => {
    if (path === ".gitignore" || path.endsWith("/.gitignore")) {
      rules.set(path.slice(0, -".gitignore".length), bytes.toString("utf8"));
    }
    found.set(path, bytes);
  });
  const ignored = ignoredBy(rules);
  const files: SourceFile[] = [];
  for (const [path, bytes] of [...found].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (files.length === CODE_LIMITS.files) return { files, complete: false };
    const text = ignored(path) ? null : textOf(bytes);
    if (text === null) continue;
    files.push({ path, hash: createHash("sha256").update(bytes).digest("hex"), chunks: chunkText(text) });
  }
  return { files, complete };
}

/** Hands on each file that is small enough. Returns whether the tar was read to its end. */
async function readTar(
  tar: Readable,
  top: string,
  onFile: (path: string, bytes: Buffer) => void,
): Promise<boolean> {
  const entries = tar.pipe(extract());
  tar.once("error", (error) => entries.destroy(error));
  let read = 0;
  try {
    for await (const entry of entries) {
      const { name, type, size = 0 } = entry.header;
      read += size;
      if (read > MAX_BYTES) return false;
      const path = name.slice(top.length + 1);
      const wanted =
        type === "file" &&
        size <= CODE_LIMITS.fileBytes &&
        path !== "" &&
        path.length <= CODE_LIMITS.pathLength;
      const parts: Buffer[] = [];
      for await (const part of entry) if (wanted && !neverSource.ignores(path)) parts.push(part as Buffer);
      if (wanted && !neverSource.ignores(path)) onFile(path, Buffer.concat(parts));
    }
    return true;
  } finally {
    tar.destroy();
  }
}

const neverSource = ignore().add(NEVER);

/** Whether the .gitignore files say to leave `path` out: each speaks of its own folder and those below. */
function ignoredBy(rules: Map<string, string>): (path: string) => boolean {
  const readers: [folder: string, rules: Ignore][] = [...rules].map(([folder, text]) => [
    folder,
    ignore().add(text),
  ]);
  return (path) =>
    readers.some(([folder, reader]) => path.startsWith(folder) && reader.ignores(path.slice(folder.length)));
}

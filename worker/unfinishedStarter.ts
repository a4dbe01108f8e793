import type { Readable } from "node:stream";
import { extract } from "tar-stream";

/**
 * Whether a folder holds just what is there when somebody dies while a starter is put there: its first files, of which the
 * last may end early. A folder with anything else in it, or without one of the first, is its project's own.
 * @param folder as Docker packs it; read as far as is needed
 * @param starter the contents of its files by their path in the folder, in the order in which they are put
 */
export async function isUnfinished(folder: Readable, starter: ReadonlyMap<string, Buffer>): Promise<boolean> {
  const entries = folder.pipe(extract());
  folder.on("error", (error) => entries.destroy(error));
  const wholes = new Map<string, boolean>();
  try {
    for await (const entry of entries) {
      const { name, type, size } = entry.header;
      if (type === "directory") {
        entry.resume();
        continue;
      }
      // Docker's names begin with the folder's own.
      const path = name.slice(name.indexOf("/") + 1);
      const wanted = type === "file" ? starter.get(path) : undefined;
      if (!wanted || !(await isBeginningOf(wanted, entry))) return false;
      wholes.set(path, size === wanted.length);
    }
    const put = [...starter.keys()].slice(0, wholes.size);
    const before = put.slice(0, -1);
    const areFirst = put.every((path) => wholes.has(path)) && before.every((path) => wholes.get(path));
    return areFirst && [...wholes.values()].filter(Boolean).length < starter.size;
  } finally {
    folder.destroy();
  }
}

async function isBeginningOf(wanted: Buffer, file: AsyncIterable<unknown>): Promise<boolean> {
  let at = 0;
  for await (const part of file) {
    const bytes = part as Buffer;
    if (!wanted.subarray(at, at + bytes.length).equals(bytes)) return false;
    at += bytes.length;
  }
  return true;
}

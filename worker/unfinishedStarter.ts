import type { Readable } from "node:stream";
import { extract } from "tar-stream";

/**
 * Whether a folder holds nothing but beginnings of a starter's files: somebody died while it was put there. A folder with
 * anything else is its project's own, whatever is missing in it.
 * @param folder as Docker packs it; read as far as is needed
 * @param starter the contents of its files by their path in the folder
 */
export async function isUnfinished(folder: Readable, starter: ReadonlyMap<string, Buffer>): Promise<boolean> {
  const entries = folder.pipe(extract());
  folder.on("error", (error) => entries.destroy(error));
  let whole = 0;
  try {
    for await (const entry of entries) {
      const { name, type } = entry.header;
      if (type === "directory") {
        entry.resume();
        continue;
      }
      // Docker's names begin with the folder's own.
      const wanted = type === "file" ? starter.get(name.slice(name.indexOf("/") + 1)) : undefined;
      if (!wanted || !(await isBeginningOf(wanted, entry))) return false;
      if (entry.header.size === wanted.length) whole += 1;
    }
    return whole < starter.size;
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

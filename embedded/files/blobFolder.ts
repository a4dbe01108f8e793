/**
 * The bytes of stored files, each a file of its own in a folder beside the database. A blob gets its name only when
 * all of it is on the disk, so a name never stands for half a file.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, type ReadStream } from "node:fs";
import { open, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { FileError } from "./fileError.ts";

export interface WrittenBlob {
  readonly name: string;
  readonly size: number;
  readonly sha256: Buffer;
}

export interface BlobLimits {
  readonly maxBytes: number;
  /** The digest that the bytes must have, or null. */
  readonly sha256: Buffer | null;
}

export interface BlobFolder {
  /**
   * Writes a new blob under a random name and flushes it to the disk.
   * @throws FileError `FileTooLarge`, `Sha256Mismatch`, or `UploadAborted` when `bytes` ends early with an error.
   */
  write(bytes: AsyncIterable<Uint8Array>, limits: BlobLimits): Promise<WrittenBlob>;
  /** Bytes `start` to `end`, both included. The caller must consume or destroy the stream. */
  read(name: string, start: number, end: number): ReadStream;
  readAll(name: string): Promise<Buffer>;
  has(name: string): Promise<boolean>;
  /** Removes a blob; one that is not there is no error. */
  remove(name: string): Promise<void>;
  names(): string[];
}

/** Makes a rename durable: the folder's own entry has to reach the disk as well. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function copyInto(
  handle: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  { maxBytes, sha256 }: BlobLimits,
): Promise<{ size: number; sha256: Buffer }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new FileError(
        "FileTooLarge",
        `The file is larger than ${maxBytes} bytes, the most that is stored.`,
      );
    }
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  const actual = hash.digest();
  if (sha256 !== null && !sha256.equals(actual)) {
    throw new FileError(
      "Sha256Mismatch",
      `Sha256 mismatch. Expected: ${sha256.toString("base64")} Actual: ${actual.toString("base64")}`,
    );
  }
  await handle.sync();
  return { size, sha256: actual };
}

/** Opens (or makes) the folder. What was being written when the last process ended is removed. */
export function openBlobFolder(folder: string): BlobFolder {
  const blobs = path.join(folder, "blobs");
  const unfinished = path.join(folder, "unfinished");
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true, mode: 0o700 });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  const at = (name: string): string => path.join(blobs, name);
  return {
    write: async (bytes, limits) => {
      const name = randomUUID();
      const temporary = path.join(unfinished, randomUUID());
      const handle = await open(temporary, "wx", 0o600);
      try {
        const written = await copyInto(handle, bytes, limits);
        await handle.close();
        await rename(temporary, at(name));
        await flushFolder(blobs);
        return { name, ...written };
      } catch (error) {
        await handle.close();
        await rm(temporary, { force: true });
        if (error instanceof FileError || (error as NodeJS.ErrnoException).code === "ENOSPC") throw error;
        throw new FileError("UploadAborted", `The upload ended early: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
    read: (name, start, end) => createReadStream(at(name), { start, end }),
    readAll: (name) => readFile(at(name)),
    has: (name) =>
      stat(at(name)).then(
        (found) => found.isFile(),
        () => false,
      ),
    remove: (name) => rm(at(name), { force: true }),
    names: () => readdirSync(blobs),
  };
}

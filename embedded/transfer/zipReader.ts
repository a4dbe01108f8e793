/** Reads the entries of a ZIP file, with its checksums and sizes verified. */
import { Transform, type Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { openPromise, type Entry } from "yauzl";
import { TransferError } from "./transferError.ts";

export interface ZipEntry {
  readonly name: string;
  /** Bytes, unpacked. */
  readonly size: number;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export interface ZipArchive {
  readonly entries: readonly ZipEntry[];
  close(): void;
}

const MAX_ENTRIES = 1_000_000;
/** Guards against archives that unpack to more than any disk holds. */
const MAX_UNPACKED_BYTES = 2 ** 36;

const invalid = (reason: string, cause?: unknown): TransferError =>
  new TransferError("InvalidZip", `invalid zip file: ${reason}`, 400, { cause });

/** Passes bytes through and fails at the end when they are not those that were packed. */
function verify(entry: Entry): Transform {
  let sum = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
    flush: (done) => {
      done(sum === entry.crc32 ? null : invalid(`${entry.fileName} is damaged (its checksum is wrong)`));
    },
  });
}

async function* contentOf(stream: Readable, entry: Entry): AsyncGenerator<Uint8Array> {
  const verified = stream.pipe(verify(entry));
  // `pipe` does not pass errors on.
  stream.once("error", (error) => verified.destroy(error));
  try {
    for await (const chunk of verified) yield chunk as Uint8Array;
  } catch (error) {
    throw error instanceof TransferError ? error : invalid((error as Error).message, error);
  } finally {
    stream.destroy();
  }
}

/** Opens the ZIP file at `path`. @throws TransferError `InvalidZip` */
export async function openZip(path: string): Promise<ZipArchive> {
  try {
    const zip = await openPromise(path, { autoClose: false, lazyEntries: true });
    const entries: ZipEntry[] = [];
    let unpacked = 0;
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName.endsWith("/")) continue;
        if (entry.isEncrypted()) throw invalid(`${entry.fileName} is encrypted`);
        unpacked += entry.uncompressedSize;
        if (entries.length >= MAX_ENTRIES || unpacked > MAX_UNPACKED_BYTES) throw invalid("it is too large");
        entries.push({
          name: entry.fileName,
          size: entry.uncompressedSize,
          open: async () => contentOf(await zip.openReadStreamPromise(entry), entry),
        });
      }
    } catch (error) {
      zip.close();
      throw error;
    }
    return { entries, close: () => zip.close() };
  } catch (error) {
    throw error instanceof TransferError ? error : invalid((error as Error).message, error);
  }
}

/** Cuts a stream of bytes into lines. */
import { TransferError } from "./transferError.ts";

/** A document has 1 MiB at most; escaped and in Convex's encoding its line is longer. */
const MAX_LINE_BYTES = 16 << 20;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new TransferError("NotUtf8", "Import wasn't valid UTF8", 400, { cause: error });
  }
}

const NEWLINE = 0x0a;

/** The lines of `bytes` without their ends; the last one need not have an end. @throws TransferError */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let end = buffer.indexOf(NEWLINE); end !== -1; end = buffer.indexOf(NEWLINE, from)) {
      pending.push(buffer.subarray(from, end));
      yield decode(Buffer.concat(pending));
      pending = [];
      length = 0;
      from = end + 1;
    }
    const rest = buffer.subarray(from);
    length += rest.length;
    if (length > MAX_LINE_BYTES) {
      throw new TransferError("LineTooLong", `The import has a line of more than ${MAX_LINE_BYTES} bytes.`);
    }
    // A copy: the stream may use the chunk's memory again.
    if (rest.length > 0) pending.push(Buffer.from(rest));
  }
  if (length > 0) yield decode(Buffer.concat(pending));
}

/** A whole stream as text. @throws TransferError when it has more than `maxBytes` */
export async function textOf(
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLarge: (size: number) => TransferError,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(size);
    chunks.push(chunk);
  }
  return decode(Buffer.concat(chunks));
}

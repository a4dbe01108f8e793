/**
 * How a command's streams go over one HTTP request and its answer: frames of a byte for the kind, four bytes of length
 * (big-endian), and content. Used by both ends.
 */

export const FRAMES_TYPE = "application/vnd.slipway.frames";

export const FRAME = {
  /** To the command: JSON {@link ExecStart}, once, first. */
  start: 0,
  /** To the command: what it reads. An empty one ends its input. */
  stdin: 1,
  /** From the command. */
  stdout: 2,
  stderr: 3,
  /** From the door: JSON `{exitCode}`; nothing comes after it. */
  exit: 4,
  /** From the door: JSON, an error's data; nothing comes after it. */
  error: 5,
} as const;

export type ExecStart = { command: string[]; service?: string };

export type Frame = { kind: number; content: Buffer };

/** What one frame may hold; longer content goes as several. */
export const MOST_FRAME_BYTES = 1024 * 1024;
const HEADER_BYTES = 5;

export function frame(kind: number, content: Buffer | string): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

/**
 * Takes frames out of a stream, whatever pieces it comes in.
 * @throws RangeError for a frame that is longer than any may be
 */
export async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > MOST_FRAME_BYTES) throw new RangeError(`A frame of ${length} bytes is too long.`);
      if (rest.length < HEADER_BYTES + length) break;
      yield { kind: rest[0]!, content: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
}

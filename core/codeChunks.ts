import { startOf } from "./text.ts";

/** How source files are cut for search. */

export const CODE_LIMITS = {
  /** Larger files are data, or were made by programs. */
  fileBytes: 256 * 1024,
  files: 5000,
  pathLength: 500,
  chunkLines: 60,
  /** Lines that a chunk repeats of the one before, so that nothing is only found in halves. */
  overlapLines: 10,
  chunkLength: 6000,
  chunksOfFile: 100,
} as const;

export type CodeChunk = {
  /** From 1, both ends included. */
  startLine: number;
  endLine: number;
  text: string;
};

/** Whether `bytes` read as text: UTF-8 without zero bytes. */
export function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** `text` in overlapping runs of lines, none longer than the limits allow. Chunks of nothing but blanks are left out. */
export function chunkText(text: string): CodeChunk[] {
  const lines = text.split(/\r?\n/);
  const chunks: CodeChunk[] = [];
  let start = 0;
  while (start < lines.length && chunks.length < CODE_LIMITS.chunksOfFile) {
    const end = endOfChunk(lines, start);
    const body = startOf(lines.slice(start, end).join("\n"), CODE_LIMITS.chunkLength);
    if (body.trim() !== "") chunks.push({ startLine: start + 1, endLine: end, text: body });
    if (end >= lines.length) break;
    start = Math.max(start + 1, end - CODE_LIMITS.overlapLines);
  }
  return chunks;
}

/** The line after the last one that still fits; at least one does. */
function endOfChunk(lines: string[], start: number): number {
  let length = 0;
  let end = start;
  while (end < lines.length && end - start < CODE_LIMITS.chunkLines) {
    length += lines[end]!.length + 1;
    if (length > CODE_LIMITS.chunkLength && end > start) break;
    end++;
  }
  return end;
}

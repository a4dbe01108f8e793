import { holdsAny } from "../../shared/words.ts";

/** Of a piece of a file, the lines that somebody looks for, with some around them. */

export type Line = { number: number; text: string; isHit: boolean };
/** Lines that follow each other; between two blocks some are left out. */
export type Block = Line[];

const AROUND = 2;
/** Where no line holds a word, as with a search by meaning. */
const FIRST_LINES = 8;

/**
 * @param startLine the number of the text's first line, from 1
 * @param needles none: its first lines
 */
export function excerptOf(
  text: string,
  startLine: number,
  needles: readonly string[],
  around = AROUND,
): Block[] {
  const lines = linesOf(text, startLine, needles);
  const hits = lines.flatMap(({ isHit }, index) => (isHit ? [index] : []));
  if (hits.length === 0) return [lines.slice(0, FIRST_LINES)];
  const blocks: { from: number; to: number }[] = [];
  for (const hit of hits) {
    const from = Math.max(0, hit - around);
    const to = Math.min(lines.length - 1, hit + around);
    const last = blocks.at(-1);
    if (last && from <= last.to + 1) last.to = to;
    else blocks.push({ from, to });
  }
  return blocks.map(({ from, to }) => lines.slice(from, to + 1));
}

export function linesOf(text: string, startLine: number, needles: readonly string[]): Line[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => ({
      number: startLine + index,
      text: line,
      isHit: holdsAny(line, needles, "wordStart"),
    }));
}

/** The number of the lines that blocks have. */
export function lineCount(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + block.length, 0);
}

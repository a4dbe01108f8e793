/** Cuts text into terms as Convex does: runs of letters and digits, lower-cased, over-long ones dropped. */

const WORD = /[\p{Alphabetic}\p{N}]+/gu;

/** Words of this many bytes of UTF-8 and more are not indexed (an identifier, a hash). */
const TOO_LONG_BYTES = 32;

/** The terms of a text in their order, duplicates included. */
export function tokenize(text: string): string[] {
  const terms: string[] = [];
  for (const [word] of text.matchAll(WORD)) {
    if (Buffer.byteLength(word) < TOO_LONG_BYTES) terms.push(word.toLowerCase());
  }
  return terms;
}

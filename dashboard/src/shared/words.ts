/** Where the words that somebody looks for stand in a text. */

export type Piece = { text: string; isHit: boolean };

/** `GET /users` → `get`, `users`: the words of a search, as an index of words has them. */
export function wordsOf(query: string): string[] {
  return [...new Set(query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])];
}

/** `text` in pieces, those that equal one of `needles` (in any case) marked. Joined they are `text` again. */
export function piecesOf(text: string, needles: readonly string[]): Piece[] {
  const wanted = needles.filter((needle) => needle !== "");
  if (wanted.length === 0) return text === "" ? [] : [{ text, isHit: false }];
  // The longest first: of two that begin at one place it is the one to mark.
  const longest = [...wanted].sort((one, other) => other.length - one.length);
  const pattern = new RegExp(`(${longest.map(escaped).join("|")})`, "giu");
  return text
    .split(pattern)
    .map((piece, index) => ({ text: piece, isHit: index % 2 === 1 }))
    .filter(({ text }) => text !== "");
}

/** Whether any of `needles` is in `text`, in any case. */
export function holdsAny(text: string, needles: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return needles.some((needle) => needle !== "" && lower.includes(needle.toLowerCase()));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

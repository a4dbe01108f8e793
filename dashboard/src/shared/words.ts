/** Where the words that somebody looks for stand in a text. */

export type Piece = { text: string; isHit: boolean };

/** `GET /users` → `get`, `users`: the words of a search, as an index of words has them. */
export function wordsOf(query: string): string[] {
  return [...new Set(query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])];
}

/** Where in a text a needle counts: everywhere, or at the beginning of a word, as an index of words finds it. */
export type Where = "anywhere" | "wordStart";

/** `text` in pieces, those that equal one of `needles` (in any case) marked. Joined they are `text` again. */
export function piecesOf(text: string, needles: readonly string[], where: Where = "anywhere"): Piece[] {
  const pattern = patternOf(needles, where);
  if (!pattern) return text === "" ? [] : [{ text, isHit: false }];
  return text
    .split(pattern)
    .map((piece, index) => ({ text: piece, isHit: index % 2 === 1 }))
    .filter(({ text }) => text !== "");
}

/** Whether any of `needles` is in `text`, in any case. */
export function holdsAny(text: string, needles: readonly string[], where: Where = "anywhere"): boolean {
  return patternOf(needles, where)?.test(text) ?? false;
}

function patternOf(needles: readonly string[], where: Where): RegExp | null {
  const wanted = needles.filter((needle) => needle !== "");
  if (wanted.length === 0) return null;
  // The longest first: of two that begin at one place it is the one to mark.
  const longest = [...wanted].sort((one, other) => other.length - one.length);
  const before = where === "wordStart" ? String.raw`(?<![\p{L}\p{N}_])` : "";
  return new RegExp(`${before}(${longest.map(escaped).join("|")})`, "iu");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

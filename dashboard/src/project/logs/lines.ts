import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../../convex/_generated/api";
import { plain } from "../../../../core/text.ts";

/** Lines of a log, as a person looks at them. */

export type LogLine = FunctionReturnType<typeof api.logs.tail>[number];

export type Piece = { text: string; isMatch: boolean };

/** `text` in pieces, those that are `words` (whatever their case) marked. No words: one piece. */
export function pieces(text: string, words: string): Piece[] {
  if (words === "") return [{ text, isMatch: false }];
  const found: Piece[] = [];
  const [low, sought] = [text.toLowerCase(), words.toLowerCase()];
  // Lower case has another length in a few languages; then places would not be the same.
  if (low.length !== text.length) return [{ text, isMatch: low.includes(sought) }];
  let from = 0;
  for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, from)) {
    if (at > from) found.push({ text: text.slice(from, at), isMatch: false });
    from = at + sought.length;
    found.push({ text: text.slice(at, from), isMatch: true });
  }
  if (from < text.length || found.length === 0) found.push({ text: text.slice(from), isMatch: false });
  return found;
}

/** The indices of the lines that have `words` in them; none where there are no words. */
export function matching(lines: readonly LogLine[], words: string): number[] {
  if (words === "") return [];
  const sought = words.toLowerCase();
  return lines.flatMap(({ text }, index) => (plain(text).toLowerCase().includes(sought) ? [index] : []));
}

/**
 * How many of `now` came after the last line of `before`. Lines have no numbers, so the last one is looked for from the
 * newest on; where it is gone, all are new.
 */
export function cameAfter(before: readonly LogLine[], now: readonly LogLine[]): number {
  const last = before.at(-1);
  if (!last) return now.length;
  const index = now.findLastIndex((line) => isSame(line, last));
  return now.length - 1 - index;
}

function isSame(one: LogLine, other: LogLine): boolean {
  return (
    one.at === other.at &&
    one.service === other.service &&
    one.replica === other.replica &&
    one.stream === other.stream &&
    one.text === other.text
  );
}

/** The lines as a file has them: time, service, stream, text. */
export function textOf(lines: readonly LogLine[]): string {
  return lines
    .map(
      ({ at, service, replica, stream, text }) =>
        `${new Date(at).toISOString()} ${service}.${replica} ${stream === "stderr" ? "err" : "out"} ${plain(text)}\n`,
    )
    .join("");
}

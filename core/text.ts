/** Text that programs said or people wrote, on its way into messages: cut between characters, and fit to be shown. */

/** How much of what a program said last a message tells, in UTF-16 units and in lines. */
const MOST_SAID = 500;
const MOST_LINES = 5;

/** Colours and cursor moves that programs write for terminals, and control characters but for tabs and line feeds. */
const ESCAPES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** `text` without what only a terminal understands. */
export function plain(text: string): string {
  return text.replace(ESCAPES, "");
}

/**
 * The start of `text`, at most `most` UTF-16 units of it, in whole characters. Half a surrogate pair is U+FFFD then: JSON
 * carries one, and neither the gateway's table nor Convex takes it.
 */
export function startOf(text: string, most: number): string {
  const cut = text.toWellFormed().slice(0, most);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}

/** The end of `text`, else as {@link startOf}. */
export function endOf(text: string, most: number): string {
  if (most <= 0) return "";
  const cut = text.toWellFormed().slice(-most);
  return /^[\udc00-\udfff]/.test(cut) ? cut.slice(1) : cut;
}

/** What a program said last, as the end of a message about its failure; empty where it said nothing. */
export function lastLines(said: string | undefined): string {
  const text = plain(said ?? "").trim();
  if (text === "") return "";
  return ` Its last lines: ${endOf(text.split("\n").slice(-MOST_LINES).join(" | "), MOST_SAID)}`;
}

/** `value` with every string in it well-formed; of plain objects and arrays, as JSON has them. */
export function wellFormed<T>(value: T): T {
  if (typeof value === "string") return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map(wellFormed) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, wellFormed(item)])) as T;
}

/** The `Range` header of a request for a file (RFC 9110, section 14), one range only as Convex serves it. */

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The asked range of a file of `size` bytes; null to send all of it (no header, or one of another unit), and
 * `"unsatisfiable"` for a range outside the file, a malformed one, or several at once.
 */
export function parseRange(header: string | null, size: number): ByteRange | null | "unsatisfiable" {
  if (header === null) return null;
  const unit = /^\s*([a-z]+)\s*=(.*)$/i.exec(header);
  if (unit === null) return "unsatisfiable";
  if (unit[1]!.toLowerCase() !== "bytes") return null;
  const match = /^\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/.exec(unit[2]!);
  if (match === null) return "unsatisfiable";
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return "unsatisfiable";
  if (first === "") {
    const length = Number(last);
    return length === 0 || size === 0
      ? "unsatisfiable"
      : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start >= size || end < start ? "unsatisfiable" : { start, end };
}

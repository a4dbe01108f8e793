import fc from "fast-check";

/** Values that are not what was asked for, and where they can be put. */

/** Every place in `value`, as its path. */
export function places(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (value === null || typeof value !== "object") return [at];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [at, ...entries.flatMap(([key, inner]) => places(inner, [...at, key]))];
}

/** `value` with `by` at that place, and all else as it was. */
export function replaced(value: unknown, at: (string | number)[], by: unknown): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return by;
  const copy: Record<string | number, unknown> = Array.isArray(value)
    ? ([...value] as never)
    : { ...(value as object) };
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

export const strange = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, "", [], {}, 0, -1, 1.5, 1e308, 65536, 2 ** 53],
    ...["10.0.0.300", "::", "fd00::1", "fd00::/8"],
  ),
  fc.constantFrom<unknown>(
    ...["/", "/a", "/a/", "//a", "a.b", "A.b", "x".repeat(3000), "dev", "up"],
    ...["a\nb", "\u0000", "127.0.0.1", "a.localhost", 302],
    // As much as may be, in as many bytes as can be; half of a character.
    ...["\u20ac".repeat(500), "\u{1f600}".repeat(250), "a\ud83d"],
  ),
  fc.integer(),
  fc.string(),
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.array(fc.anything({ maxDepth: 1 }), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
);

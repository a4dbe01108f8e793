/** Makes answers of different backends comparable: ids, times and cursors are opaque, everything else is exact. */

const ID = /^(?:[0-9abcdefghjkmnpqrstvwxyz]{31,34}|(?=.{32}$)\d{4,}[a-zA-Z_]+)$/;

/** Turns one answer into plain data; equal ids get equal numbers, in the order in which they first appear. */
export function normalise(answer: unknown): unknown {
  const ids = new Map<string, string>();
  const nameOf = (id: string): string => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    const name = `<id ${ids.size + 1}>`;
    ids.set(id, name);
    return name;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return ID.test(value) ? nameOf(value) : value;
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "number" && (Number.isNaN(value) || Object.is(value, -0))) {
      return Number.isNaN(value) ? "<NaN>" : "<-0>";
    }
    if (typeof value !== "object" || value === null) return value;
    if (value instanceof ArrayBuffer) return { bytes: [...new Uint8Array(value)] };
    if (Array.isArray(value)) return value.map(walk);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, field]) => {
          if (name === "_creationTime") return [name, typeof field === "number" ? "<time>" : field];
          if (name === "continueCursor") return [name, typeof field === "string" ? "<cursor>" : field];
          return [name, walk(field)];
        }),
    );
  };
  return walk(answer);
}

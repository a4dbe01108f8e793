/** What a query has read: half-open key intervals per index. */

/** Keys with `lower` ≤ key < `upper`. */
export interface Interval {
  readonly lower: string;
  readonly upper: string;
}

/** The pseudo index whose keys are table names: read when a query asks for a table that does not exist yet. */
export const TABLE_NAMES_INDEX = 0;

export class ReadSet {
  readonly #intervals = new Map<number, Interval[]>();
  readonly #seen = new Set<string>();

  add(index: number, lower: string, upper: string): void {
    if (lower >= upper) return;
    const name = `${index}|${lower.length}|${lower}${upper}`;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    const list = this.#intervals.get(index);
    if (list === undefined) this.#intervals.set(index, [{ lower, upper }]);
    else list.push({ lower, upper });
  }

  entries(): IterableIterator<[number, Interval[]]> {
    return this.#intervals.entries();
  }
}

/** A key that a commit has changed in an index: a document left, entered or changed there. */
export interface Touched {
  readonly index: number;
  readonly key: string;
}

/**
 * Convex's database in memory, as much of it as the control plane's functions use, so that the simulation runs the real
 * ones: tables of documents, index ranges in index order, and mutations that happen wholly or not at all.
 */

export type Document = { _id: string; _creationTime: number; [field: string]: unknown };
type Fields = Record<string, unknown>;
type Bound = { field: string; holds: (value: unknown, bound: unknown) => boolean; value: unknown };
/** Index name → fields, by table. */
export type Indexes = Record<string, Record<string, string[]>>;

export class Database {
  /** Rises with every change. */
  version = 0;
  /** The version at which each table changed last. */
  private readonly changedAt = new Map<string, number>();
  private reading: Set<string> | null = null;
  private readonly tables = new Map<string, Map<string, Document>>();
  private readonly counts = new Map<string, number>();
  private creations = 0;
  private undo: (() => void)[] | null = null;

  constructor(private readonly indexes: Indexes) {}

  /** Runs `work` as one mutation: where it fails, nothing of it happened. Never two at once. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    if (this.undo) throw new Error("A mutation began while another one was going on.");
    this.undo = [];
    try {
      return await work();
    } catch (error) {
      for (const step of this.undo.reverse()) step();
      throw error;
    } finally {
      this.undo = null;
    }
  }

  /** @returns what `work` returns, and the tables that it read */
  async reads<T>(work: () => Promise<T>): Promise<{ value: T; tables: ReadonlySet<string> }> {
    const tables = new Set<string>();
    this.reading = tables;
    try {
      return { value: await work(), tables };
    } finally {
      this.reading = null;
    }
  }

  /** Whether one of the tables has changed since the database was at `version`. */
  hasChanged(tables: ReadonlySet<string>, version: number): boolean {
    for (const table of tables) if ((this.changedAt.get(table) ?? 0) > version) return true;
    return false;
  }

  noteRead(table: string): void {
    this.reading?.add(table);
  }

  all(table: string): Document[] {
    return [...this.rows(table)];
  }

  rows(table: string): Iterable<Document> {
    return this.tables.get(table)?.values() ?? [];
  }

  /** What Convex's functions get as `ctx.db`. */
  readonly handle = {
    get: async (table: string, id: string) => {
      this.noteRead(table);
      return this.tables.get(table)?.get(id) ?? null;
    },
    normalizeId: (table: string, text: string) => (text.startsWith(`${table}_`) ? text : null),
    query: (table: string) => {
      this.noteRead(table);
      return new Query(this, table, this.indexes[table] ?? {});
    },
    insert: async (table: string, fields: Fields) => {
      const count = (this.counts.get(table) ?? 0) + 1;
      this.counts.set(table, count);
      this.creations += 1;
      const _id = `${table}_${count}`;
      this.write(table, _id, { ...defined(fields), _id, _creationTime: this.creations });
      return _id;
    },
    patch: async (table: string, id: string, fields: Fields) => {
      this.write(table, id, defined({ ...this.existing(table, id), ...fields }) as Document);
    },
    replace: async (table: string, id: string, fields: Fields) => {
      const { _id, _creationTime } = this.existing(table, id);
      this.write(table, id, { ...defined(fields), _id, _creationTime });
    },
    delete: async (table: string, id: string) => {
      this.existing(table, id);
      this.write(table, id, null);
    },
  };

  private existing(table: string, id: string): Document {
    const document = this.tables.get(table)?.get(id);
    if (!document) throw new Error(`There is no ${id}.`);
    return document;
  }

  private write(table: string, id: string, document: Document | null): void {
    const rows = this.tables.get(table) ?? new Map<string, Document>();
    this.tables.set(table, rows);
    const before = rows.get(id);
    this.undo?.push(() => (before ? rows.set(id, before) : rows.delete(id)));
    if (document) rows.set(id, document);
    else rows.delete(id);
    this.version += 1;
    this.changedAt.set(table, this.version);
  }
}

class Query {
  private bounds: Bound[] = [];
  private order_: "asc" | "desc" = "asc";
  private sortBy: string[] = [];

  constructor(
    private readonly database: Database,
    private readonly table: string,
    private readonly indexes: Record<string, string[]>,
  ) {}

  withIndex(name: string, range: (q: Range) => unknown): this {
    const fields = name === "by_creation_time" ? ["_creationTime"] : this.indexes[name];
    if (!fields) throw new Error(`${this.table} has no index ${name}.`);
    this.sortBy = fields;
    const builder = new Range();
    range?.(builder);
    this.bounds = builder.bounds;
    return this;
  }

  order(order: "asc" | "desc"): this {
    this.order_ = order;
    return this;
  }

  async first(): Promise<Document | null> {
    return this.rows()[0] ?? null;
  }

  async unique(): Promise<Document | null> {
    const rows = this.rows();
    if (rows.length > 1) throw new Error(`${this.table} has more than one such row.`);
    return rows[0] ?? null;
  }

  async take(count: number): Promise<Document[]> {
    return this.rows().slice(0, count);
  }

  async collect(): Promise<Document[]> {
    return this.rows();
  }

  async paginate({ numItems, cursor }: { numItems: number; cursor: string | null }) {
    const from = Number(cursor ?? 0);
    const rows = this.rows();
    const page = rows.slice(from, from + numItems);
    const next = from + page.length;
    return { page, isDone: next >= rows.length, continueCursor: String(next) };
  }

  private rows(): Document[] {
    const rows: Document[] = [];
    for (const row of this.database.rows(this.table)) if (this.isWithin(row)) rows.push(row);
    if (rows.length < 2) return rows;
    const fields = [...this.sortBy, "_creationTime"];
    rows.sort((one, other) => {
      for (const field of fields) {
        const order = compare(valueAt(one, field), valueAt(other, field));
        if (order !== 0) return order;
      }
      return 0;
    });
    return this.order_ === "asc" ? rows : rows.reverse();
  }

  private isWithin(row: Document): boolean {
    for (const { field, holds, value } of this.bounds) if (!holds(valueAt(row, field), value)) return false;
    return true;
  }
}

class Range {
  readonly bounds: Bound[] = [];
  eq(field: string, value: unknown): this {
    return this.add(field, value, (found, bound) => found === bound);
  }
  gt(field: string, value: unknown): this {
    return this.add(field, value, (found, bound) => compare(found, bound) > 0);
  }
  gte(field: string, value: unknown): this {
    return this.add(field, value, (found, bound) => compare(found, bound) >= 0);
  }
  lt(field: string, value: unknown): this {
    return this.add(field, value, (found, bound) => compare(found, bound) < 0);
  }
  lte(field: string, value: unknown): this {
    return this.add(field, value, (found, bound) => compare(found, bound) <= 0);
  }
  private add(field: string, value: unknown, holds: Bound["holds"]): this {
    this.bounds.push({ field, holds, value });
    return this;
  }
}

/** Convex's order of values, of those kinds that indexes here hold: what is absent comes first. */
function compare(one: unknown, other: unknown): number {
  if (one === other) return 0;
  if (one === undefined) return -1;
  if (other === undefined) return 1;
  return (one as string | number) < (other as string | number) ? -1 : 1;
}

function valueAt(row: Fields, path: string): unknown {
  if (!path.includes(".")) return row[path];
  return path
    .split(".")
    .reduce<unknown>((at, key) => (at === undefined ? undefined : (at as Fields)[key]), row);
}

/** Without the fields that are there and hold nothing: Convex keeps none such. */
function defined(fields: Fields): Fields {
  for (const field in fields) {
    if (fields[field] !== undefined) continue;
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  }
  return fields;
}

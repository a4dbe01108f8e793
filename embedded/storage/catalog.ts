/** Which tables and indexes exist: names ↔ numbers, kept in memory and in the database alike. */
import * as z from "zod";
import type { Driver } from "./driver.ts";

/** User tables start where Convex's do; lower numbers are system tables. */
const FIRST_USER_TABLE = 10_001;

export const SYSTEM_TABLES = {
  _scheduled_functions: 2,
  _storage: 3,
  _snapshot_imports: 4,
  _exports: 5,
} as const;

const vSpec = z.object({
  fields: z.array(z.string()).optional(),
  searchField: z.string().optional(),
  vectorField: z.string().optional(),
  dimensions: z.number().optional(),
  filterFields: z.array(z.string()).optional(),
});

export type IndexKind = "database" | "search" | "vector";
export type IndexSpec = z.infer<typeof vSpec>;

export interface IndexInfo {
  readonly num: number;
  readonly table: TableInfo;
  readonly name: string;
  readonly kind: IndexKind;
  readonly spec: IndexSpec;
  /** What a database index's key is made of, in order, with `_creationTime` and `_id` at the end. */
  readonly keyFields: readonly string[];
}

export interface TableInfo {
  readonly num: number;
  readonly name: string;
  /** The index on `_creationTime`, which every table has. */
  readonly byCreation: IndexInfo;
  /** The index on `_id`; it is the `docs` table itself, so it has no entries in `idx`. */
  readonly byId: IndexInfo;
  /** All database indexes with entries in `idx`, `byCreation` first. */
  readonly databaseIndexes: IndexInfo[];
  /** Search and vector indexes. */
  readonly otherIndexes: IndexInfo[];
}

export interface Catalog {
  /** The table, or null when nobody has written or declared it yet. */
  table(name: string): TableInfo | null;
  tableByNumber(num: number): TableInfo | null;
  tables(): TableInfo[];
  index(table: string, name: string): IndexInfo | null;
  /** Makes the table when it is missing; call inside a write transaction. */
  ensureTable(name: string): TableInfo;
  addIndex(table: TableInfo, name: string, kind: IndexKind, spec: IndexSpec): IndexInfo;
  removeIndex(index: IndexInfo): void;
  /** Reads everything anew: after a rollback that may have undone a table or an index. */
  reload(): void;
}

const BY_CREATION = "by_creation_time";
const BY_ID = "by_id";

export function openCatalog(driver: Driver): Catalog {
  let byName = new Map<string, TableInfo>();
  let byNumber = new Map<number, TableInfo>();

  const insertTable = driver.prepare("INSERT INTO tables(num, name) VALUES(?, ?)");
  const insertIndex = driver.prepare("INSERT INTO indexes(num, tbl, name, kind, spec) VALUES(?, ?, ?, ?, ?)");
  const deleteIndex = driver.prepare("DELETE FROM indexes WHERE num = ?");
  const maxTable = driver.prepare("SELECT max(num) AS n FROM tables");
  const maxIndex = driver.prepare("SELECT max(num) AS n FROM indexes");

  const describe = (
    table: TableInfo,
    num: number,
    name: string,
    kind: IndexKind,
    spec: IndexSpec,
  ): IndexInfo => {
    const own = spec.fields ?? [];
    const system = own.includes("_id")
      ? []
      : ["_creationTime", "_id"].filter((field) => !own.includes(field));
    return { num, table, name, kind, spec, keyFields: [...own, ...system] };
  };

  const register = (table: TableInfo, index: IndexInfo): void => {
    (index.kind === "database" ? table.databaseIndexes : table.otherIndexes).push(index);
  };

  const remember = (num: number, name: string, creationIndex: number): TableInfo => {
    const table = { num, name, databaseIndexes: [], otherIndexes: [] } as unknown as {
      -readonly [K in keyof TableInfo]: TableInfo[K];
    };
    table.byCreation = describe(table, creationIndex, BY_CREATION, "database", { fields: ["_creationTime"] });
    table.byId = describe(table, -num, BY_ID, "database", { fields: ["_id"] });
    register(table, table.byCreation);
    byName.set(name, table);
    byNumber.set(num, table);
    return table;
  };

  const nextIndexNumber = (): number => Number(maxIndex.get()?.["n"] ?? 0) + 1;

  const catalog: Catalog = {
    table: (name) => byName.get(name) ?? null,
    tableByNumber: (num) => byNumber.get(num) ?? null,
    tables: () => [...byName.values()],
    index: (tableName, name) => {
      const table = byName.get(tableName);
      if (table === undefined) return null;
      if (name === BY_ID) return table.byId;
      const all = [...table.databaseIndexes, ...table.otherIndexes];
      return all.find((index) => index.name === name) ?? null;
    },
    ensureTable: (name) => {
      const known = byName.get(name);
      if (known !== undefined) return known;
      const system = (SYSTEM_TABLES as Record<string, number | undefined>)[name];
      const highest = Number(maxTable.get()?.["n"] ?? 0);
      const num = system ?? Math.max(highest + 1, FIRST_USER_TABLE);
      insertTable.run(num, name);
      const creation = nextIndexNumber();
      insertIndex.run(creation, num, BY_CREATION, "database", JSON.stringify({ fields: ["_creationTime"] }));
      return remember(num, name, creation);
    },
    addIndex: (table, name, kind, spec) => {
      const num = nextIndexNumber();
      insertIndex.run(num, table.num, name, kind, JSON.stringify(spec));
      const index = describe(table, num, name, kind, spec);
      register(table, index);
      return index;
    },
    removeIndex: (index) => {
      deleteIndex.run(index.num);
      const list = index.kind === "database" ? index.table.databaseIndexes : index.table.otherIndexes;
      list.splice(list.indexOf(index), 1);
    },
    reload: () => {
      byName = new Map();
      byNumber = new Map();
      const rows = driver.prepare("SELECT num, tbl, name, kind, spec FROM indexes ORDER BY num").all();
      for (const row of driver.prepare("SELECT num, name FROM tables ORDER BY num").all()) {
        const num = Number(row["num"]);
        const own = rows.filter((index) => Number(index["tbl"]) === num);
        const creation = own.find((index) => index["name"] === BY_CREATION);
        if (creation === undefined)
          throw new Error(`Table ${String(row["name"])} has no ${BY_CREATION} index`);
        const table = remember(num, row["name"] as string, Number(creation["num"]));
        for (const index of own.filter((candidate) => candidate !== creation)) {
          const spec = vSpec.parse(JSON.parse(index["spec"] as string));
          const kind = z.enum(["database", "search", "vector"]).parse(index["kind"]);
          register(table, describe(table, Number(index["num"]), index["name"] as string, kind, spec));
        }
      }
    },
  };
  catalog.reload();
  return catalog;
}

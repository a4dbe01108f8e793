/** Which indexes a push adds and drops. */
import { PushError, type Schema } from "../runtime/schema.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import type { Store } from "../storage/store.ts";

export interface IndexChange {
  readonly table: string;
  readonly name: string;
  readonly kind: IndexInfo["kind"];
  readonly spec: IndexInfo["spec"];
}

export interface AppliedChanges {
  readonly added: readonly IndexChange[];
  readonly removed: readonly IndexChange[];
}

const BUILT_IN = new Set(["by_creation_time"]);

interface IndexPlan {
  readonly removed: IndexInfo[];
  readonly added: IndexChange[];
}

/** Which indexes go and which come; one whose definition differs does both. */
function planIndexes({ catalog, extensions }: Store, schema: Schema): IndexPlan {
  const same = (a: Omit<IndexChange, "table">, b: Omit<IndexChange, "table">): boolean =>
    a.name === b.name && a.kind === b.kind && JSON.stringify(a.spec) === JSON.stringify(b.spec);
  const existing = catalog
    .tables()
    .filter((table) => !table.name.startsWith("_"))
    .flatMap((table) => [...table.databaseIndexes, ...table.otherIndexes])
    .filter((index) => !BUILT_IN.has(index.name));
  const removed = existing.filter(
    (index) => !schema.indexesOf(index.table.name).some((wanted) => same(wanted, index)),
  );
  const added = schema.tableNames().flatMap((table) =>
    schema
      .indexesOf(table)
      .filter((wanted) => !existing.some((index) => index.table.name === table && same(wanted, index)))
      .map(({ name, kind, spec }) => ({ table, name, kind, spec })),
  );
  for (const { table, name, kind } of added) {
    if (kind === "database" || extensions.some((extension) => extension.kind === kind)) continue;
    throw new PushError(`${table}.${name}: ${kind} indexes are not supported by this backend.`);
  }
  return { removed, added };
}

const describe = ({ table, name, kind, spec }: IndexInfo): IndexChange => ({
  table: table.name,
  name,
  kind,
  spec,
});

/** What applying the schema would change in the indexes. @throws PushError for a kind that is not supported. */
export function previewIndexes(store: Store, schema: Schema): AppliedChanges {
  const { removed, added } = planIndexes(store, schema);
  return { removed: removed.map(describe), added };
}

/** Builds and drops indexes as the schema declares them; call it in a write transaction. */
export function changeIndexes(store: Store, schema: Schema): AppliedChanges {
  const { catalog, documents } = store;
  for (const name of schema.tableNames()) catalog.ensureTable(name);
  const { removed, added } = planIndexes(store, schema);
  for (const index of removed) {
    documents.clearIndex(index);
    catalog.removeIndex(index);
  }
  for (const { table, name, kind, spec } of added) {
    documents.fillIndex(catalog.addIndex(catalog.ensureTable(table), name, kind, spec));
  }
  return { removed: removed.map(describe), added };
}

/** What a push would cost: the tables it would have to read, and the indexes it would build. The CLI asks first. */
import type { Schema } from "../runtime/schema.ts";
import type { TableInfo } from "../storage/catalog.ts";
import type { Store } from "../storage/store.ts";
import { indexJson } from "./describe.ts";
import { previewIndexes, type IndexChange } from "./indexes.ts";
import { enforcedValidators, validatorsOf } from "./violation.ts";

/** Bytes of all documents; reads every row, so it is asked only of tables that the push reads anyway. */
function sizeOf({ driver }: Store, table: TableInfo): number {
  const row = driver.prepare("SELECT sum(size) AS n FROM docs WHERE tbl = ?").get(table.num);
  return Number(row?.["n"] ?? 0);
}

const documentsIn = ({ catalog, documents }: Store, name: string): number => {
  const table = catalog.table(name);
  return table === null ? 0 : documents.count(table);
};

function predictTables(store: Store, schema: Schema): Record<string, unknown>[] {
  const enforced = enforcedValidators(store);
  const wanted = validatorsOf(schema);
  return schema.tableNames().map((name) => {
    const table = store.catalog.table(name);
    const validator = wanted.get(name);
    const known = table === null || enforced.get(name) === validator;
    const outcome = validator === undefined ? "notValidated" : known ? "supersetOfEnforced" : "mustWalk";
    const sizeBytes = outcome === "mustWalk" && table !== null ? sizeOf(store, table) : 0;
    return { name, outcome, numDocs: documentsIn(store, name), sizeBytes };
  });
}

/** The body of the answer to `evaluate_schema`. */
export function evaluateSchema(store: Store, schema: Schema): Record<string, unknown> {
  const { added, removed } = previewIndexes(store, schema);
  const all = schema
    .tableNames()
    .flatMap((table) => schema.indexesOf(table).map((index) => ({ table, ...index })));
  const isAdded = ({ table, name }: IndexChange): boolean =>
    added.some((each) => each.table === table && each.name === name);
  const predict = (change: string, index: IndexChange): Record<string, unknown> => {
    const numDocs = documentsIn(store, index.table);
    return { ...indexJson(index), change, needsBackfill: change === "added" && numDocs > 0, numDocs };
  };
  const indexes = [
    ...removed.map((index) => predict("dropped", index)),
    ...all.map((index) => predict(isAdded(index) ? "added" : "identical", index)),
  ];
  const root = {
    ...{ definitionPath: "", schemaValidation: schema.json?.schemaValidation ?? false },
    ...{ tables: predictTables(store, schema), indexes, discardedStagedValidators: [] },
  };
  return { componentSchemaEvaluations: { "": root }, newComponentDefinitions: [] };
}

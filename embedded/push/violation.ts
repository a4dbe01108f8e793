/** Checks the documents that are there against the schema of an app that is to replace the current one. */
import type { Value } from "convex/values";
import type { Schema } from "../runtime/schema.ts";
import type { Store } from "../storage/store.ts";
import { tableNumberOf } from "../values/ids.ts";

/** A document that the new schema does not allow. */
export interface Violation {
  readonly table: string;
  /** In Convex's words. */
  readonly message: string;
}

type Validators = ReadonlyMap<string, string>;

/** The validators that every document is known to satisfy, by table. */
export function enforcedValidators(store: Store): Validators {
  const text = store.meta.get("schema");
  return new Map(text === null ? [] : (JSON.parse(text) as [string, string][]));
}

/** The validators that a schema enforces, by table. */
export function validatorsOf(schema: Schema): Validators {
  const tables = schema.json?.schemaValidation === false ? [] : (schema.json?.tables ?? []);
  return new Map(tables.map(({ tableName, documentType }) => [tableName, JSON.stringify(documentType)]));
}

/** The first document that breaks the new schema, or null. Only tables whose validator is new are read. */
export function findViolation(store: Store, schema: Schema): Violation | null {
  const tableOf = (id: string): string | null =>
    store.catalog.tableByNumber(tableNumberOf(id) ?? 0)?.name ?? null;
  const before = enforcedValidators(store);
  for (const [tableName, validator] of validatorsOf(schema)) {
    const table = store.catalog.table(tableName);
    if (table === null || before.get(tableName) === validator) continue;
    let found: Violation | null = null;
    store.documents.each(table, (document) => {
      if (found !== null) return;
      const { _id, _creationTime, ...fields } = document;
      const problem = schema.explain(tableName, fields as Value, tableOf);
      if (problem === null) return;
      const message = `Document with ID "${String(_id)}" in table "${tableName}" does not match the schema: ${problem}`;
      found = { table: tableName, message };
    });
    if (found !== null) return found;
  }
  return null;
}

/** Notes that every document satisfies the schema's validators; call it in the transaction that makes it so. */
export const rememberValidators = (store: Store, schema: Schema): void =>
  store.meta.set("schema", JSON.stringify([...validatorsOf(schema)]));

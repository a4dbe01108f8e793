/** An app's schema as `defineSchema(...).export()` gives it, and the check of one document against it. */
import type { ValidatorJSON, Value } from "convex/values";
import * as z from "zod";
import type { IndexKind, IndexSpec } from "../storage/catalog.ts";
import { explainMismatch, type TableNameOfId } from "../values/validate.ts";

const vValidator = z.custom<ValidatorJSON>((value) => typeof value === "object" && value !== null);

const vDatabaseIndex = z.looseObject({ indexDescriptor: z.string(), fields: z.array(z.string()) });
const vSearchIndex = z.looseObject({
  indexDescriptor: z.string(),
  searchField: z.string(),
  filterFields: z.array(z.string()),
});
const vVectorIndex = z.looseObject({
  indexDescriptor: z.string(),
  vectorField: z.string(),
  dimensions: z.number(),
  filterFields: z.array(z.string()),
});

export const vSchema = z.looseObject({
  tables: z.array(
    z.looseObject({
      tableName: z.string(),
      indexes: z.array(vDatabaseIndex).default([]),
      stagedDbIndexes: z.array(vDatabaseIndex).nullish(),
      searchIndexes: z.array(vSearchIndex).nullish(),
      stagedSearchIndexes: z.array(vSearchIndex).nullish(),
      vectorIndexes: z.array(vVectorIndex).nullish(),
      stagedVectorIndexes: z.array(vVectorIndex).nullish(),
      documentType: vValidator,
    }),
  ),
  schemaValidation: z.boolean().default(true),
});
export type SchemaJson = z.infer<typeof vSchema>;

export interface DeclaredIndex {
  readonly name: string;
  readonly kind: IndexKind;
  readonly spec: IndexSpec;
}

export interface Schema {
  readonly json: SchemaJson | null;
  /** Indexes that a table declares. */
  indexesOf(table: string): DeclaredIndex[];
  tableNames(): string[];
  /** Why a document (without system fields) breaks the schema, or null. */
  explain(table: string, document: Value, tableOf: TableNameOfId): string | null;
}

const IDENTIFIER = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/;
const RESERVED_INDEXES = new Set(["by_id", "by_creation_time"]);
const MAX_INDEXES = 64;
const MAX_INDEX_FIELDS = 16;

/** An error in the app's own files; the text is shown to whoever pushes it. */
export class PushError extends Error {
  override readonly name = "PushError";
}

function checkNames(schema: SchemaJson): void {
  const seen = new Set<string>();
  for (const table of schema.tables) {
    if (!IDENTIFIER.test(table.tableName)) {
      throw new PushError(`Invalid table name "${table.tableName}": use letters, digits and underscores.`);
    }
    if (seen.has(table.tableName)) throw new PushError(`Table "${table.tableName}" is declared twice.`);
    seen.add(table.tableName);
    const names = new Set<string>();
    const all = [...table.indexes, ...(table.searchIndexes ?? []), ...(table.vectorIndexes ?? [])];
    if (all.length > MAX_INDEXES) {
      throw new PushError(`Table "${table.tableName}" has ${all.length} indexes (maximum: ${MAX_INDEXES}).`);
    }
    for (const { indexDescriptor: name } of all) {
      const label = `${table.tableName}.${name}`;
      if (!IDENTIFIER.test(name)) throw new PushError(`Invalid index name "${label}".`);
      if (RESERVED_INDEXES.has(name)) throw new PushError(`Index name "${label}" is reserved.`);
      if (names.has(name)) throw new PushError(`Index "${label}" is declared twice.`);
      names.add(name);
    }
    for (const { indexDescriptor, fields } of table.indexes) {
      const label = `${table.tableName}.${indexDescriptor}`;
      if (fields.length === 0) throw new PushError(`Index "${label}" must have at least one field.`);
      if (fields.length > MAX_INDEX_FIELDS) {
        throw new PushError(`Index "${label}" has ${fields.length} fields (maximum: ${MAX_INDEX_FIELDS}).`);
      }
      if (new Set(fields).size !== fields.length) throw new PushError(`Index "${label}" repeats a field.`);
    }
  }
}

/**
 * Makes a schema from its JSON; null stands for an app without `schema.ts`.
 * @throws PushError when a name is invalid or declared twice.
 */
export function makeSchema(json: SchemaJson | null): Schema {
  if (json !== null) checkNames(json);
  const tables = new Map((json?.tables ?? []).map((table) => [table.tableName, table]));
  return {
    json,
    tableNames: () => [...tables.keys()],
    indexesOf: (name) => {
      const table = tables.get(name);
      if (table === undefined) return [];
      return [
        ...table.indexes.map(({ indexDescriptor, fields }) => ({
          name: indexDescriptor,
          kind: "database" as const,
          spec: { fields },
        })),
        ...(table.searchIndexes ?? []).map(({ indexDescriptor, searchField, filterFields }) => ({
          name: indexDescriptor,
          kind: "search" as const,
          spec: { searchField, filterFields },
        })),
        ...(table.vectorIndexes ?? []).map(({ indexDescriptor, vectorField, dimensions, filterFields }) => ({
          name: indexDescriptor,
          kind: "vector" as const,
          spec: { vectorField, dimensions, filterFields },
        })),
      ];
    },
    explain: (name, document, tableOf) => {
      const table = tables.get(name);
      if (table === undefined || json === null || !json.schemaValidation) return null;
      return explainMismatch(table.documentType, document, tableOf);
    },
  };
}

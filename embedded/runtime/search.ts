/** Full-text search as a source of rows in order of relevance. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import type { RowSource } from "./query.ts";
import type { Transaction } from "./transaction.ts";

export const vSearchSource = z.object({
  type: z.literal("Search"),
  indexName: z.string(),
  filters: z.array(
    z.union([
      z.object({ type: z.literal("Search"), fieldPath: z.string(), value: z.string() }),
      z.object({
        type: z.literal("Eq"),
        fieldPath: z.string(),
        value: z.custom<JSONValue>((value) => value !== undefined),
      }),
    ]),
  ),
});
export type SearchSource = z.infer<typeof vSearchSource>;

/** Opens a search. @throws Error when there is no such search index. */
export function openSearch(tx: Transaction, source: SearchSource): RowSource {
  const dot = source.indexName.indexOf(".");
  const index = tx.store.catalog.index(source.indexName.slice(0, dot), source.indexName.slice(dot + 1));
  if (index === null || index.kind !== "search")
    throw new Error(`Search index ${source.indexName} not found.`);
  const extension = tx.store.extensions.find((candidate) => candidate.kind === "search");
  if (extension?.search === undefined)
    throw new Error(`Search index ${source.indexName} cannot be searched.`);
  return extension.search(tx, index, source);
}

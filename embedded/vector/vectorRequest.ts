/** Checks a `ctx.vectorSearch(…)` against its index. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import { queryValue } from "../runtime/filter.ts";
import { filterKey } from "../search/filterKey.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import { toUnit } from "./vectors.ts";

export const MAX_RESULTS = 256;
const DEFAULT_RESULTS = 10;
const MAX_CONDITIONS = 64;
const MAX_DEPTH = 64;

const vJson = z.custom<JSONValue>((value) => value !== undefined);

/** The `query` of `1.0/actions/vectorSearch`. */
export const vVectorQuery = z.object({
  indexName: z.string(),
  limit: z.number().nullish(),
  vector: z.array(z.number(), { error: "`vector` must be an array of finite numbers" }),
  expressions: vJson.nullish(),
});
export type VectorQuery = z.infer<typeof vVectorQuery>;

export interface VectorRequest {
  readonly vector: Float32Array;
  readonly limit: number;
  /** The wanted keys by the position in the index's `filterFields`; one match in any field is enough. */
  readonly anyOf: ReadonlyMap<number, ReadonlySet<string>>;
}

const BAD_FILTER = "Filters should be a combination of `q.eq` and `q.or`.";

/** `q.eq` and `q.or` flattened: since there is no "and", they are one list of alternatives. */
function flatten(json: JSONValue, depth: number, out: { path: string; value: JSONValue }[]): void {
  if (depth > MAX_DEPTH || typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Error(BAD_FILTER);
  }
  const [operator, operand] = Object.entries(json)[0] ?? ["", null];
  if (!Array.isArray(operand)) throw new Error(BAD_FILTER);
  if (operator === "$or") {
    for (const child of operand) flatten(child, depth + 1, out);
    return;
  }
  if (operator !== "$eq") throw new Error(BAD_FILTER);
  const pair = z.tuple([z.object({ $field: z.string() }), z.object({ $literal: vJson })]).safeParse(operand);
  if (!pair.success) {
    throw new Error("`q.eq` must take a field path as its first argument and a value as its second");
  }
  out.push({ path: pair.data[0].$field, value: pair.data[1].$literal });
}

function parseFilter(index: IndexInfo, expressions: JSONValue | null | undefined): VectorRequest["anyOf"] {
  const anyOf = new Map<number, Set<string>>();
  if (expressions === null || expressions === undefined) return anyOf;
  const name = `${index.table.name}.${index.name}`;
  const conditions: { path: string; value: JSONValue }[] = [];
  flatten(expressions, 0, conditions);
  for (const { path, value } of conditions) {
    const field = (index.spec.filterFields ?? []).indexOf(path);
    if (field === -1) {
      throw new Error(
        `Vector query against ${name} contains a filter on ${JSON.stringify(path)} ` +
          "but that field isn't indexed for filtering in `filterFields`.",
      );
    }
    const keys = anyOf.get(field) ?? new Set<string>();
    keys.add(filterKey(queryValue(value)));
    anyOf.set(field, keys);
  }
  const count = [...anyOf.values()].reduce((sum, keys) => sum + keys.size, 0);
  if (count > MAX_CONDITIONS) {
    throw new Error(
      `Vector query against ${name} has too many conditions. Max: ${MAX_CONDITIONS} Actual: ${count}`,
    );
  }
  return anyOf;
}

/** @throws Error in Convex's words when the query does not fit the index, or exceeds its limits. */
export function parseVectorQuery(index: IndexInfo, query: VectorQuery): VectorRequest {
  const limit = query.limit ?? DEFAULT_RESULTS;
  if (limit > MAX_RESULTS) {
    throw new Error(`Vector queries can fetch at most ${MAX_RESULTS} results, requested ${limit}.`);
  }
  if (!Number.isInteger(limit) || limit < 1) {
    throw new Error(
      `The \`limit\` of a vector query must be an integer from 1 to ${MAX_RESULTS}, got ${limit}.`,
    );
  }
  const anyOf = parseFilter(index, query.expressions);
  const { dimensions = 0 } = index.spec;
  if (query.vector.length !== dimensions) {
    throw new Error(`Expected a vector with dimensions ${dimensions}, received ${query.vector.length}.`);
  }
  const vector = toUnit(query.vector);
  if (vector === null) throw new Error("`vector` must be an array of finite numbers.");
  return { vector, limit, anyOf };
}

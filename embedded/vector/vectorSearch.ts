/** `ctx.vectorSearch`: every vector of the index is compared, so the answer is exact. */
import type { Store } from "../storage/store.ts";
import { tableName } from "./tables.ts";
import { parseVectorQuery, vVectorQuery, type VectorRequest } from "./vectorRequest.ts";
import { dot, fromBlob } from "./vectors.ts";

export interface VectorHit {
  readonly _id: string;
  /** The cosine of the two vectors, from -1 to 1; 0 when one of them is all zeros. */
  readonly _score: number;
}

const BATCH = 256;

/** The best `limit` hits so far: score descending, then id. */
class Best {
  readonly hits: VectorHit[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(id: string, score: number): void {
    const { hits } = this;
    if (hits.length === this.#limit && score < hits.at(-1)!._score) return;
    let low = 0;
    let high = hits.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = hits[middle]!;
      if (other._score > score || (other._score === score && other._id < id)) low = middle + 1;
      else high = middle;
    }
    hits.splice(low, 0, { _id: id, _score: score });
    if (hits.length > this.#limit) hits.pop();
  }
}

function condition(request: VectorRequest): { sql: string; parameters: string[] } {
  if (request.anyOf.size === 0) return { sql: "", parameters: [] };
  const fields = [...request.anyOf];
  const tests = fields.map(([field]) => `f${field} IN (SELECT value FROM json_each(?))`);
  return {
    sql: `AND (${tests.join(" OR ")})`,
    parameters: fields.map(([, keys]) => JSON.stringify([...keys])),
  };
}

/**
 * Answers the `query` of `1.0/actions/vectorSearch` from committed data: call it between transactions.
 * @param query what `convex/server` sends: `{indexName: "table.index", limit?, vector, expressions?}`.
 * @throws Error in Convex's words when there is no such index or the query does not fit it.
 */
export function vectorSearch(store: Store, query: unknown): { results: VectorHit[] } {
  const parsed = vVectorQuery.safeParse(query);
  if (!parsed.success) throw new Error(`Malformed vector query: ${parsed.error.issues[0]?.message ?? ""}`);
  const { indexName } = parsed.data;
  const split = indexName.indexOf(".");
  const index = store.catalog.index(indexName.slice(0, split), indexName.slice(split + 1));
  if (index === null) throw new Error(`Index ${indexName} not found.`);
  if (index.kind !== "vector") throw new Error(`Index ${indexName} is not a vector index.`);
  const request = parseVectorQuery(index, parsed.data);
  const { sql, parameters } = condition(request);
  const next = store.driver.prepare(
    `SELECT doc, id, vector FROM ${tableName(index)} WHERE doc > ? ${sql} ORDER BY doc LIMIT ${BATCH}`,
  );
  const best = new Best(request.limit);
  let after = 0;
  for (;;) {
    const rows = next.all(after, ...parameters);
    for (const row of rows) {
      best.add(row["id"] as string, dot(request.vector, fromBlob(row["vector"] as Buffer)));
      after = Number(row["doc"]);
    }
    if (rows.length < BATCH) return { results: best.hits };
  }
}

/**
 * Ranks the documents that match a search by BM25, as Convex does: any term is enough, a word that only begins with
 * the last term counts half, and of equals the newer comes first.
 */
import type { IndexInfo } from "../storage/catalog.ts";
import type { Driver } from "../storage/driver.ts";
import type { SearchRequest } from "./searchRequest.ts";
import { tableNames, type SearchTables } from "./tables.ts";

/** How many documents one search can give. */
export const MAX_RESULTS = 1_024;
/** How many different words of the index one search looks for, those that the last term expands to included. */
const MAX_WORDS = 64;

const K1 = 1.2;
const B = 0.75;
const PREFIX_BOOST = 0.5;
const AFTER_ALL_TEXT = "\u{10ffff}";

interface Word {
  readonly term: string;
  /** How many documents have it. */
  readonly documents: number;
  readonly boost: number;
}

/** The words of the index that a request stands for, with how many documents have each. */
function expand(driver: Driver, index: IndexInfo, request: SearchRequest): Word[] {
  const { words } = tableNames(index);
  const one = driver.prepare(`SELECT doc FROM ${words} WHERE term = ?`);
  const found: Word[] = [];
  for (const term of request.terms) {
    const documents = Number(one.get(term)?.["doc"] ?? 0);
    if (documents > 0) found.push({ term, documents, boost: 1 });
  }
  const { prefix } = request;
  if (prefix === null) return found;
  const known = new Set(found.map(({ term }) => term));
  const longer = driver
    .prepare(`SELECT term, doc FROM ${words} WHERE term > ? AND term < ? LIMIT ?`)
    .all(prefix, prefix + AFTER_ALL_TEXT, MAX_WORDS);
  for (const row of longer) {
    const term = row["term"] as string;
    if (found.length >= MAX_WORDS) break;
    if (!known.has(term)) found.push({ term, documents: Number(row["doc"]), boost: PREFIX_BOOST });
  }
  return found;
}

/** The row numbers (`docs.seq`) of the matching documents, best first, at most `MAX_RESULTS`. */
export function rank(
  driver: Driver,
  tables: SearchTables,
  index: IndexInfo,
  request: SearchRequest,
): number[] {
  const words = expand(driver, index, request);
  if (words.length === 0) return [];
  const totals = tables.totals(index);
  const weights = words.map(({ term, documents, boost }) => {
    const idf = Math.log(1 + (totals.documents - documents + 0.5) / (documents + 0.5));
    return [term, boost * idf * (K1 + 1)];
  });
  const { hits, docs } = tableNames(index);
  const filters = request.filters.map(({ field }) => `AND d.f${field} = ?`).join(" ");
  const rows = driver
    .prepare(
      `WITH word(term, weight) AS MATERIALIZED (SELECT value ->> 0, value ->> 1 FROM json_each(?)),
        hit AS (
          SELECT word.weight AS weight, h.doc AS doc, count(*) AS freq
          FROM word CROSS JOIN ${hits} h ON h.term = word.term GROUP BY word.term, h.doc)
      SELECT hit.doc AS doc, sum(hit.weight * hit.freq / (hit.freq + ${K1} * (${1 - B} + ${B} * d.terms / ?))) AS score
      FROM hit JOIN ${docs} d ON d.doc = hit.doc ${filters}
      GROUP BY hit.doc ORDER BY score DESC, d.created DESC LIMIT ${MAX_RESULTS}`,
    )
    .all(
      JSON.stringify(weights),
      Math.max(1, totals.terms) / Math.max(1, totals.documents),
      ...request.filters.map(({ key }) => key),
    );
  return rows.map((row) => Number(row["doc"]));
}

/** Checks a `.withSearchIndex(…)` against its index and turns it into terms and filter keys. */
import { queryValue } from "../runtime/filter.ts";
import type { SearchSource } from "../runtime/search.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import { filterKey } from "./filterKey.ts";
import { tokenize } from "./tokens.ts";

const MAX_TERMS = 16;
const MAX_FILTERS = 8;

export interface SearchRequest {
  /** Words that must match whole; any one of them is enough. */
  readonly terms: readonly string[];
  /** The last word, which also matches as the start of a word; null when there are no words at all. */
  readonly prefix: string | null;
  /** All must hold: the position in the index's `filterFields`, and the key of the wanted value. */
  readonly filters: readonly { readonly field: number; readonly key: string }[];
}

/** @throws Error in Convex's words when the filters do not fit the index, or exceed its limits. */
export function parseSearch(index: IndexInfo, source: SearchSource): SearchRequest {
  const name = `${index.table.name}.${index.name}`;
  const { searchField = "", filterFields = [] } = index.spec;
  let text: string | null = null;
  const filters: { field: number; key: string }[] = [];
  for (const filter of source.filters) {
    const path = JSON.stringify(filter.fieldPath);
    if (filter.type === "Search") {
      if (filter.fieldPath !== searchField) {
        throw new Error(
          `Search query against ${name} contains a search filter against ${path}, ` +
            `which doesn't match the indexed \`searchField\` ${JSON.stringify(searchField)}.`,
        );
      }
      if (text !== null) {
        throw new Error(
          `Search query against ${name} contains multiple search filters against ${path}. Only one is allowed.`,
        );
      }
      text = filter.value;
      continue;
    }
    const field = filterFields.indexOf(filter.fieldPath);
    if (field === -1) {
      throw new Error(
        `Search query against ${name} contains an equality filter on ${path} ` +
          "but that field isn't indexed for filtering in `filterFields`.",
      );
    }
    filters.push({ field, key: filterKey(queryValue(filter.value)) });
  }
  if (text === null) {
    throw new Error(
      `Search query against ${name} does not contain any search filters. You must include a search filter like ` +
        `\`q.search("${searchField}", searchText)\`.`,
    );
  }
  if (filters.length > MAX_FILTERS) {
    throw new Error(
      `Search query against ${name} has too many filter conditions. Max: ${MAX_FILTERS} Actual: ${filters.length}`,
    );
  }
  const terms = tokenize(text).slice(0, MAX_TERMS);
  return { terms: [...new Set(terms)], prefix: terms.at(-1) ?? null, filters };
}

/** `.paginate()`: a page of a query between two cursors, and the cursors to go on from. */
import { createHash } from "node:crypto";
import type { JSONValue } from "convex/values";
import * as z from "zod";
import type { Interval } from "../live/readSet.ts";
import { indexKey, parseDocument, type Order, type ScanRow } from "../storage/documents.ts";
import { justAfter } from "../values/keys.ts";
import { Pipeline, planRange, RangeReader, vQuery, type SerializedQuery } from "./query.ts";
import { openSearch } from "./search.ts";
import type { Transaction } from "./transaction.ts";

export const vPageRequest = z.object({
  query: vQuery,
  cursor: z.string().nullable(),
  endCursor: z.string().nullish(),
  pageSize: z.number().int().nonnegative(),
  maximumRowsRead: z.number().nullish(),
  maximumBytesRead: z.number().nullish(),
});
export type PageRequest = z.infer<typeof vPageRequest>;

export interface Page {
  /** JSON texts of the documents. */
  readonly rows: string[];
  readonly isDone: boolean;
  readonly continueCursor: string;
  readonly splitCursor: string | null;
  readonly pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

/** The cursor behind the last row of every query. */
const END = "_end_cursor";
const DEFAULT_MAX_ROWS = 16_384;
const DEFAULT_MAX_BYTES = 8 << 20;
/** From this part of a limit on, the client is advised to split the page. */
const SOFT_SHARE = 0.75;

const vCursor = z.object({ k: z.string(), q: z.string() });

/** Cursors of one query must not be used with another. */
function fingerprint(query: SerializedQuery): string {
  return createHash("sha256").update(JSON.stringify(query)).digest("base64url").slice(0, 16);
}

const encodeCursor = (key: string, print: string): string =>
  Buffer.from(JSON.stringify({ k: Buffer.from(key, "latin1").toString("base64url"), q: print })).toString(
    "base64url",
  );

function decodeCursor(cursor: string, print: string): string {
  let parsed: z.infer<typeof vCursor>;
  try {
    parsed = vCursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
  } catch {
    throw new Error(`InvalidCursor: Failed to parse cursor`);
  }
  if (parsed.q !== print) {
    throw new Error(
      "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.",
    );
  }
  return Buffer.from(parsed.k, "base64url").toString("latin1");
}

/** The part of a range that lies after `cursor` and up to and including `endCursor`. */
function between(interval: Interval, order: Order, after: string | null, upTo: string | null): Interval {
  let { lower, upper } = interval;
  const max = (a: string, b: string): string => (a > b ? a : b);
  const min = (a: string, b: string): string => (a < b ? a : b);
  if (order === "asc") {
    if (after !== null) lower = max(lower, justAfter(after));
    if (upTo !== null) upper = min(upper, justAfter(upTo));
  } else {
    if (after !== null) upper = min(upper, after);
    if (upTo !== null) lower = max(lower, upTo);
  }
  return { lower, upper };
}

const EMPTY_PAGE: Page = { rows: [], isDone: true, continueCursor: END, splitCursor: null, pageStatus: null };

/** Reads one page. A page with `endCursor` has whatever lies before that; otherwise `pageSize` rows at most. */
export function readPage(tx: Transaction, request: PageRequest): Page {
  tx.assertOpen();
  tx.limits.add("databaseQueries", 1);
  const { query, cursor } = request;
  const endCursor = request.endCursor ?? null;
  if (query.source.type === "Search") return readSearchPage(tx, request, query.source);
  const print = fingerprint(query);
  const after = cursor === null || cursor === END ? null : decodeCursor(cursor, print);
  const upTo = endCursor === null || endCursor === END ? null : decodeCursor(endCursor, print);
  const plan = planRange(tx, query.source);
  if (plan === null) return EMPTY_PAGE;
  if (cursor === END) return EMPTY_PAGE;
  const range = between(plan.interval, plan.order, after, upTo);
  const reader = new RangeReader(
    tx,
    plan.index,
    range,
    plan.order,
    endCursor === null ? request.pageSize + 1 : null,
  );
  const pipeline = new Pipeline(null, query.operators);
  const maxRows = request.maximumRowsRead ?? DEFAULT_MAX_ROWS;
  const maxBytes = request.maximumBytesRead ?? DEFAULT_MAX_BYTES;

  const rows: string[] = [];
  const read: ScanRow[] = [];
  let bytes = 0;
  let hitLimit = false;
  let reachedEnd = false;
  while (endCursor !== null || rows.length < request.pageSize) {
    if (pipeline.isSatisfied()) {
      reachedEnd = true;
      break;
    }
    if (read.length >= maxRows || bytes >= maxBytes) {
      hitLimit = true;
      break;
    }
    const row = reader.next();
    if (row === null) {
      reachedEnd = true;
      break;
    }
    read.push(row);
    bytes += row.size;
    if (pipeline.passes(row)) rows.push(row.json);
  }
  const keyOf = (row: ScanRow): string => indexKey(plan.index, parseDocument(row.json));
  const last = read.at(-1);
  // A full page that is also the last one says so at once, rather than by an empty page after it.
  if (!hitLimit && !reachedEnd && request.pageSize > 0 && reader.next() === null) reachedEnd = true;

  let continueCursor =
    last === undefined ? (cursor ?? encodeCursor("", print)) : encodeCursor(keyOf(last), print);
  if (reachedEnd && !hitLimit) continueCursor = endCursor ?? END;
  const soft = read.length >= maxRows * SOFT_SHARE || bytes >= maxBytes * SOFT_SHARE;
  const tooLong = read.length > request.pageSize * 2 + 1;
  const split = read.length >= 2 && (hitLimit || soft || tooLong);
  return {
    rows,
    isDone: continueCursor === END,
    continueCursor,
    splitCursor: split ? encodeCursor(keyOf(read[Math.floor((read.length - 1) / 2)]!), print) : null,
    pageStatus: hitLimit ? "SplitRequired" : split ? "SplitRecommended" : null,
  };
}

const vOffset = z.coerce.number().int().nonnegative();

/** Search results are in order of relevance, which has no key: their cursors count rows. */
function readSearchPage(
  tx: Transaction,
  request: PageRequest,
  source: Extract<SerializedQuery["source"], { type: "Search" }>,
): Page {
  if (request.cursor === END) return EMPTY_PAGE;
  const offsetOf = (cursor: string): number => {
    const parsed = vOffset.safeParse(cursor.startsWith("offset:") ? cursor.slice(7) : "bad");
    if (!parsed.success) throw new Error("InvalidCursor: Failed to parse cursor");
    return parsed.data;
  };
  const from = request.cursor === null ? 0 : offsetOf(request.cursor);
  const endCursor = request.endCursor ?? null;
  const to =
    endCursor === null ? from + request.pageSize : endCursor === END ? Infinity : offsetOf(endCursor);
  const pipeline = new Pipeline(openSearch(tx, source), request.query.operators);
  const rows: string[] = [];
  let at = 0;
  let ended = false;
  while (at < to) {
    const row = pipeline.next();
    if (row === null) {
      ended = true;
      break;
    }
    if (at >= from) rows.push(row.json);
    at++;
  }
  const continueCursor = ended ? (endCursor ?? END) : `offset:${at}`;
  return { rows, isDone: continueCursor === END, continueCursor, splitCursor: null, pageStatus: null };
}

/** The page as the JSON text that `1.0/queryPage` answers with. */
export function pageToJson(page: Page): string {
  const { rows, ...rest } = page;
  return `{"page":[${rows.join(",")}],${JSON.stringify(rest satisfies JSONValue).slice(1)}`;
}

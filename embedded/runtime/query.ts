/** Runs `ctx.db.query(...)`: a source of rows in order, and the filters and limits applied to them. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import type { Interval } from "../live/readSet.ts";
import type { IndexInfo } from "../storage/catalog.ts";
import { indexKey, parseDocument, type Order, type ScanRow } from "../storage/documents.ts";
import { justAfter } from "../values/keys.ts";
import { compileFilter, type Predicate } from "./filter.ts";
import { toInterval, vRangeExpression } from "./indexRange.ts";
import { openSearch, vSearchSource } from "./search.ts";
import type { OpenRead, Transaction } from "./transaction.ts";

const vOrder = z.enum(["asc", "desc"]).nullish();

const vSource = z.discriminatedUnion("type", [
  z.object({ type: z.literal("FullTableScan"), tableName: z.string(), order: vOrder }),
  z.object({
    type: z.literal("IndexRange"),
    indexName: z.string(),
    range: z.array(vRangeExpression),
    order: vOrder,
  }),
  vSearchSource,
]);

const vOperator = z.union([
  z.object({ filter: z.custom<JSONValue>((value) => value !== undefined) }),
  z.object({ limit: z.number().int().nonnegative() }),
]);

export const vQuery = z.object({ source: vSource, operators: z.array(vOperator).max(256) });
export type SerializedQuery = z.infer<typeof vQuery>;

/** Rows in the query's order. `next` returns null at the end. */
export interface RowSource extends OpenRead {
  next(): ScanRow | null;
}

const FIRST_BATCH = 32;
const MAX_BATCH = 512;

/** Reads a range of an index in growing batches, continuing after the last key that was handed out. */
export class RangeReader implements RowSource {
  readonly #tx: Transaction;
  readonly index: IndexInfo;
  readonly #interval: Interval;
  readonly #order: Order;
  #batchSize: number;
  #buffer: ScanRow[] = [];
  #at = 0;
  #bufferVersion = -1;
  #last: ScanRow | null = null;
  #sourceEnded = false;
  #exhausted = false;

  /** `expected` is how many rows the caller will ask for at most, when it knows. */
  constructor(tx: Transaction, index: IndexInfo, interval: Interval, order: Order, expected: number | null) {
    this.#tx = tx;
    this.index = index;
    this.#interval = interval;
    this.#order = order;
    this.#batchSize = Math.min(Math.max(expected ?? FIRST_BATCH, 1), MAX_BATCH);
    tx.trackRead(this);
  }

  next(): ScanRow | null {
    const row = this.#advance();
    if (row === null) {
      this.#exhausted = true;
      return null;
    }
    this.#last = row;
    this.#tx.limits.add("documentsRead", 1);
    this.#tx.limits.add("bytesRead", row.size);
    return row;
  }

  #advance(): ScanRow | null {
    if (this.#exhausted || this.#interval.lower >= this.#interval.upper) return null;
    const stale = this.#bufferVersion !== this.#tx.writeVersion;
    if (!stale && this.#at < this.#buffer.length) return this.#buffer[this.#at++]!;
    if (!stale && this.#sourceEnded) return null;
    const { lower, upper } = this.#remaining();
    this.#buffer = this.#tx.store.documents.scan(this.index, lower, upper, this.#order, this.#batchSize);
    this.#sourceEnded = this.#buffer.length < this.#batchSize;
    this.#batchSize = Math.min(this.#batchSize * 2, MAX_BATCH);
    this.#bufferVersion = this.#tx.writeVersion;
    this.#at = 0;
    return this.#at < this.#buffer.length ? this.#buffer[this.#at++]! : null;
  }

  /** The key of the last row handed out, or null before the first. */
  lastKey(): string | null {
    return this.#last === null ? null : indexKey(this.index, parseDocument(this.#last.json));
  }

  #remaining(): Interval {
    const last = this.lastKey();
    if (last === null) return this.#interval;
    return this.#order === "asc"
      ? { lower: justAfter(last), upper: this.#interval.upper }
      : { lower: this.#interval.lower, upper: last };
  }

  record(): void {
    const { lower, upper } = this.#interval;
    if (this.#exhausted) return this.#tx.reads.add(this.index.num, lower, upper);
    const last = this.lastKey();
    if (last === null) return;
    if (this.#order === "asc") this.#tx.reads.add(this.index.num, lower, justAfter(last));
    else this.#tx.reads.add(this.index.num, last, upper);
  }
}

/** Which index and keys a query walks, or null for a table that does not exist yet. */
export interface RangePlan {
  readonly index: IndexInfo;
  readonly interval: Interval;
  readonly order: Order;
}

/** Resolves a query's table or index. @throws Error when the index does not exist. */
export function planRange(
  tx: Transaction,
  source: Exclude<SerializedQuery["source"], { type: "Search" }>,
): RangePlan | null {
  const order = source.order ?? "asc";
  if (source.type === "FullTableScan") {
    const table = tx.table(source.tableName);
    return table === null ? null : { index: table.byCreation, interval: { lower: "", upper: "\xff" }, order };
  }
  const dot = source.indexName.indexOf(".");
  const tableName = source.indexName.slice(0, dot);
  const name = source.indexName.slice(dot + 1);
  const index = tx.store.catalog.index(tableName, name);
  if (index === null || index.kind !== "database") {
    const builtIn = name === "by_id" || name === "by_creation_time";
    if (builtIn && tx.table(tableName) === null) return null;
    throw new Error(`Index ${tableName}.${name} not found.`);
  }
  return { index, interval: toInterval(index, source.range), order };
}

/** A query's filters and limits, in their order, over a source of rows. */
export class Pipeline {
  readonly #source: RowSource | null;
  readonly #stages: (Predicate | { left: number })[];
  readonly #parses: boolean;

  constructor(source: RowSource | null, operators: SerializedQuery["operators"]) {
    this.#source = source;
    this.#stages = operators.map((operator) =>
      "filter" in operator ? compileFilter(operator.filter) : { left: operator.limit },
    );
    this.#parses = operators.some((operator) => "filter" in operator);
  }

  /** The next row that passes, or null at the end. */
  next(): ScanRow | null {
    for (;;) {
      if (this.isSatisfied()) return null;
      const row = this.#source?.next() ?? null;
      if (row === null) return null;
      if (this.passes(row)) return row;
    }
  }

  /** True when a limit has been reached, so that no further row can pass. */
  isSatisfied(): boolean {
    return this.#stages.some((stage) => typeof stage !== "function" && stage.left === 0);
  }

  /** Whether a row passes every stage; uses up the limits that it reaches. */
  passes(row: ScanRow): boolean {
    const document = this.#parses ? parseDocument(row.json) : {};
    for (const stage of this.#stages) {
      if (typeof stage === "function") {
        if (!stage(document)) return false;
      } else {
        if (stage.left === 0) return false;
        stage.left--;
      }
    }
    return true;
  }
}

/** How many rows the source will be asked for at most, when no filter drops any. */
function expectedRows(operators: SerializedQuery["operators"]): number | null {
  const first = operators[0];
  return first !== undefined && "limit" in first ? first.limit : null;
}

/** Opens a query for reading row by row. */
export function openQuery(tx: Transaction, query: SerializedQuery): Pipeline {
  tx.assertOpen();
  tx.limits.add("databaseQueries", 1);
  if (query.source.type === "Search") return new Pipeline(openSearch(tx, query.source), query.operators);
  const plan = planRange(tx, query.source);
  const source =
    plan === null
      ? null
      : new RangeReader(tx, plan.index, plan.interval, plan.order, expectedRows(query.operators));
  return new Pipeline(source, query.operators);
}

/** What an index that is not a plain key order (full text, vectors) must do to be kept in step with its table. */
import type { RowSource } from "../runtime/query.ts";
import type { SearchSource } from "../runtime/search.ts";
import type { Transaction } from "../runtime/transaction.ts";
import type { IndexInfo, IndexKind } from "./catalog.ts";
import type { Document } from "./documents.ts";

export interface IndexExtension {
  readonly kind: Exclude<IndexKind, "database">;
  /**
   * Called inside the writing transaction for each changed document of the table; `before` is null for an insert and
   * `after` for a removal. `seq` is the document's row number, `id` its id.
   */
  write(index: IndexInfo, seq: number, id: string, before: Document | null, after: Document | null): void;
  /** Called once when the index is made, before any `write`; the existing documents follow as `write`s. */
  create(index: IndexInfo): void;
  /** Called when the index is dropped. */
  drop(index: IndexInfo): void;
  /** Full text only: the rows that match, most relevant first; it records its read as index `index.num`, all keys. */
  search?(tx: Transaction, index: IndexInfo, source: SearchSource): RowSource;
}

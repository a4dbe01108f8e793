/** The rows of a search, fetched one by one in order of relevance. */
import type { RowSource } from "../runtime/query.ts";
import type { Transaction } from "../runtime/transaction.ts";
import type { ScanRow } from "../storage/documents.ts";
import { MAX_RESULTS } from "./rank.ts";

export class SearchRows implements RowSource {
  readonly #tx: Transaction;
  readonly #found: readonly number[];
  #at = 0;

  /** `found` holds `docs.seq` numbers, best first. */
  constructor(tx: Transaction, found: readonly number[]) {
    this.#tx = tx;
    this.#found = found;
  }

  /** @throws Error in Convex's words after the last document that a search can give. */
  next(): ScanRow | null {
    for (;;) {
      if (this.#at === MAX_RESULTS) {
        throw new Error(
          `Search query scanned too many documents (fetched ${MAX_RESULTS}). Consider using a smaller limit, ` +
            "paginating the query, or using a filter field to limit the number of documents pulled from the search index.",
        );
      }
      const seq = this.#found[this.#at];
      if (seq === undefined) return null;
      this.#at++;
      const row = this.#tx.store.driver.prepare("SELECT json, size FROM docs WHERE seq = ?").get(seq);
      // The function that searches may have deleted it in the meantime.
      if (row === undefined) continue;
      const size = Number(row["size"]);
      this.#tx.limits.add("documentsRead", 1);
      this.#tx.limits.add("bytesRead", size);
      return { json: row["json"] as string, size };
    }
  }

  /** The whole index is recorded when the search is opened. */
  record(): void {}
}

/** What imports and exports need of the backend around them. */
import type { FileStore } from "../files/fileStore.ts";
import type { Logger } from "../log.ts";
import type { Schema } from "../runtime/schema.ts";
import type { Transaction } from "../runtime/transaction.ts";
import type { Store } from "../storage/store.ts";

export interface TransferHost {
  readonly store: Store;
  readonly files: FileStore;
  /** A folder of this part's own, for uploads and exports. */
  readonly folder: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The current app's schema. */
  schema(): Schema;
  /** Runs `work` in a write transaction of its own; resolves when it is durable and live queries show it. */
  write<T>(work: (tx: Transaction) => T): Promise<T>;
  /** Runs `work` between transactions, on committed data. */
  read<T>(work: (tx: Transaction) => T): Promise<T>;
  /** Runs `work` alone, with no transaction open, on committed data. */
  exclusive<T>(work: () => T | Promise<T>): Promise<T>;
  /** Says that any table may have changed: every live query runs again. Called inside `exclusive`. */
  invalidateAll(): void;
}

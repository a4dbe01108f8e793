/** A database with files and nothing else, for tests of this folder: transactions one at a time, as the executor runs them. */
import path from "node:path";
import { silentLogger } from "../log.ts";
import { makeSchema, type Schema } from "../runtime/schema.ts";
import { Transaction } from "../runtime/transaction.ts";
import type { Driver } from "../storage/driver.ts";
import type { IndexExtension } from "../storage/indexExtension.ts";
import { openStore, type Store } from "../storage/store.ts";
import { FileStore } from "./fileStore.ts";

export interface FileBench {
  readonly store: Store;
  readonly files: FileStore;
  write<T>(work: (tx: Transaction) => T): Promise<T>;
  read<T>(work: (tx: Transaction) => T): Promise<T>;
  /** Runs `work` in its turn, with no transaction open. */
  exclusive<T>(work: () => T | Promise<T>): Promise<T>;
  close(): void;
}

export interface BenchOptions {
  readonly maxFileBytes?: number;
  readonly now?: () => number;
  readonly extensions?: (driver: Driver) => readonly IndexExtension[];
  readonly schema?: () => Schema;
}

/** Opens the database `db` in `folder`, with its files in `files`. */
export function openFileBench(folder: string, options: BenchOptions = {}): FileBench {
  const now = options.now ?? Date.now;
  const store = openStore({
    path: path.join(folder, "db"),
    durability: "normal",
    extensions: options.extensions ?? ((): readonly IndexExtension[] => []),
    now,
  });
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => T | Promise<T>): Promise<T> => {
    const turn = tail.then(run);
    tail = turn.catch(() => {});
    return turn;
  };
  const begin = (writable: boolean): Transaction =>
    new Transaction({
      store,
      schema: options.schema?.() ?? makeSchema(null),
      writable,
      commitTs: store.nextTs(),
    });
  const bench = {
    store,
    write: <T>(work: (tx: Transaction) => T): Promise<T> =>
      inTurn(() => {
        store.driver.exec("BEGIN IMMEDIATE");
        try {
          const result = work(begin(true));
          store.markCommitted(store.nextTs());
          store.driver.exec("COMMIT");
          return result;
        } catch (error) {
          store.driver.exec("ROLLBACK");
          store.catalog.reload();
          throw error;
        }
      }),
    read: <T>(work: (tx: Transaction) => T): Promise<T> => inTurn(() => work(begin(false))),
    exclusive: inTurn,
    close: () => store.close(),
  };
  const files = new FileStore({
    ...{ store, now, write: bench.write, read: bench.read, log: silentLogger },
    folder: path.join(folder, "files"),
    origin: () => "http://127.0.0.1:3210",
    ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
  });
  return { ...bench, files };
}

/** Snapshot import and export as one part of the backend. */
import path from "node:path";
import type { JSONValue } from "convex/values";
import type { Transaction } from "../runtime/transaction.ts";
import { Exports, listExports } from "./exports.ts";
import type { TransferHost } from "./host.ts";
import { Imports } from "./imports.ts";
import { failUnfinished, importIdOf, listImports, readImport } from "./importStates.ts";
import { DEFAULT_MAX_UPLOAD_BYTES, openUploads, type Uploads } from "./uploads.ts";

export interface Transfer {
  readonly uploads: Uploads;
  readonly imports: Imports;
  readonly exports: Exports;
  /** Ends what runs; an import that has not been committed by then has not happened. */
  stop(): Promise<void>;
}

/** Call once before serving: what the last process left unfinished is marked as failed. */
export async function openTransfer(
  host: TransferHost,
  maxUploadBytes = DEFAULT_MAX_UPLOAD_BYTES,
): Promise<Transfer> {
  const uploads = openUploads(path.join(host.folder, "uploads"), host.now, maxUploadBytes);
  const imports = new Imports(host);
  const exports = new Exports(host);
  await failUnfinished(host);
  await exports.recover();
  return {
    ...{ uploads, imports, exports },
    stop: async () => {
      await Promise.all([imports.stop(), exports.settled()]);
    },
  };
}

/**
 * The system queries by which the CLI follows its imports and exports, by canonical path. Each answers with JSON
 * text and records what it has read, so that a subscription to it is live.
 */
export const transferQueries: Readonly<Record<string, (tx: Transaction, args: JSONValue) => string>> = {
  "_system/cli/queryImport.js:default": (tx, args) => {
    const id = importIdOf(args);
    return (id === null ? null : readImport(tx, id)) ?? "null";
  },
  "_system/cli/queryImport.js:list": (tx) => `[${listImports(tx).join(",")}]`,
  "_system/cli/exports.js:getLatest": (tx) => listExports(tx)[0] ?? "null",
};

/** The rows of `_snapshot_imports`: how far each import has come, as `npx convex import` follows it. */
import type { JSONValue, Value } from "convex/values";
import { tableNumberOf } from "../values/ids.ts";
import { encodeKey } from "../values/keys.ts";
import type { Transaction } from "../runtime/transaction.ts";
import type { TableInfo } from "../storage/catalog.ts";
import type { TransferHost } from "./host.ts";
import type { ImportFormat } from "./parsedImport.ts";
import type { ImportMode } from "./plan.ts";

export const IMPORTS = "_snapshot_imports";
/** Older imports are forgotten. */
const KEPT = 20;

export type ImportState =
  | { state: "uploaded" }
  | { state: "waiting_for_confirmation"; message_to_confirm: string; require_manual_confirmation: boolean }
  | { state: "in_progress"; progress_message?: string; checkpoint_messages?: string[] }
  | { state: "completed"; num_rows_written: bigint; timestamp: bigint }
  | { state: "failed"; error_message: string };

export const isEnded = ({ state }: ImportState): boolean => state === "completed" || state === "failed";

const tableOf = (tx: Transaction): TableInfo => tx.store.catalog.table(IMPORTS)!;

/** All imports as JSON texts, newest first; recorded as a read. */
export function listImports(tx: Transaction): string[] {
  const { byCreation } = tableOf(tx);
  tx.reads.add(byCreation.num, "", "\xff");
  return tx.store.documents
    .scan(byCreation, "", encodeKey([Infinity]), "desc", KEPT * 2)
    .map(({ json }) => json);
}

const stateOf = (json: string): ImportState => (JSON.parse(json) as { state: ImportState }).state;
const idOf = (json: string): string => (JSON.parse(json) as { _id: string })._id;

/** The JSON text of one import, or null; recorded as a read. */
export function readImport(tx: Transaction, id: string): string | null {
  const table = tableOf(tx);
  return tableNumberOf(id) === table.num ? tx.get(table, id) : null;
}

/** The state of one import, or null. */
export function readState(tx: Transaction, id: string): ImportState | null {
  const json = readImport(tx, id);
  return json === null ? null : stateOf(json);
}

export function addImport(host: TransferHost, mode: ImportMode, format: ImportFormat): Promise<string> {
  return host.write((tx) => {
    for (const json of listImports(tx).slice(KEPT - 1)) {
      if (isEnded(stateOf(json))) tx.removeSystem(tableOf(tx), idOf(json));
    }
    return tx.insertSystem(IMPORTS, {
      state: { state: "uploaded" },
      mode,
      format: { ...format } as Value,
      requestor: { type: "snapshotImport" },
    });
  });
}

/** Moves an import on inside a transaction, unless it has ended; returns whether it did. */
export function setState(tx: Transaction, id: string, state: ImportState): boolean {
  const before = readState(tx, id);
  if (before === null || isEnded(before)) return false;
  tx.patchSystem(tableOf(tx), id, { state: state as unknown as Value });
  return true;
}

/** The same in a transaction of its own. */
export const moveImport = (host: TransferHost, id: string, state: ImportState): Promise<boolean> =>
  host.write((tx) => setState(tx, id, state));

/** Marks as failed what the last process was doing when it ended. */
export function failUnfinished(host: TransferHost): Promise<void> {
  return host.write((tx) => {
    for (const json of listImports(tx)) {
      if (isEnded(stateOf(json))) continue;
      const state: ImportState = {
        state: "failed",
        error_message: "The server was stopped during this import. Nothing was imported; run it again.",
      };
      tx.patchSystem(tableOf(tx), idOf(json), { state });
    }
  });
}

/** The id in a request, or null when it can be none. */
export const importIdOf = (args: JSONValue): string | null => {
  const id = typeof args === "object" && args !== null && !Array.isArray(args) ? args["importId"] : null;
  return typeof id === "string" ? id : null;
};

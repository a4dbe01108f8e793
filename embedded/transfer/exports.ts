/** Snapshot exports: asked for, written in the background, kept for download. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import type { Value } from "convex/values";
import type { Transaction } from "../runtime/transaction.ts";
import type { TableInfo } from "../storage/catalog.ts";
import { encodeKey } from "../values/keys.ts";
import type { TransferHost } from "./host.ts";
import { withSnapshot } from "./snapshotReader.ts";
import { TransferError } from "./transferError.ts";
import { writeSnapshot } from "./writeSnapshot.ts";

const EXPORTS = "_exports";
/** Older exports are removed with their files. */
const KEPT = 3;

type ExportState =
  | { state: "requested" }
  | { state: "in_progress"; start_ts: bigint }
  | { state: "completed"; start_ts: bigint; complete_ts: bigint; zip_object_key: string }
  | { state: "failed"; error_message: string };

const tableOf = (tx: Transaction): TableInfo => tx.store.catalog.table(EXPORTS)!;

const stateOf = (json: string): string => (JSON.parse(json) as { state: string }).state;
const idOf = (json: string): string => (JSON.parse(json) as { _id: string })._id;

/** All exports as JSON texts, newest first; recorded as a read. */
export function listExports(tx: Transaction): string[] {
  const { byCreation } = tableOf(tx);
  tx.reads.add(byCreation.num, "", "\xff");
  return tx.store.documents
    .scan(byCreation, "", encodeKey([Infinity]), "desc", KEPT * 4)
    .map(({ json }) => json);
}

export class Exports {
  readonly #host: TransferHost;
  readonly #folder: string;
  #running: Promise<void> = Promise.resolve();

  constructor(host: TransferHost) {
    this.#host = host;
    this.#folder = path.join(host.folder, "exports");
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** Call once before serving: what the last process left unfinished has failed. */
  async recover(): Promise<void> {
    for (const name of readdirSync(this.#folder)) {
      if (name.endsWith(".unfinished")) rmSync(path.join(this.#folder, name));
    }
    await this.#host.write((tx) => {
      for (const json of listExports(tx)) {
        if (stateOf(json) === "requested" || stateOf(json) === "in_progress") {
          tx.patchSystem(tableOf(tx), idOf(json), {
            state: "failed",
            error_message: "The server was stopped during this export. Ask for it again.",
          });
        }
      }
    });
  }

  /** Begins an export; resolves when it is noted, not when it is done. @throws TransferError `ExportInProgress` */
  async request(includeStorage: boolean): Promise<void> {
    const id = await this.#host.write((tx) => {
      const known = listExports(tx);
      if (known.some((json) => stateOf(json) === "requested" || stateOf(json) === "in_progress")) {
        throw new TransferError("ExportInProgress", "There is already an export requested or in progress.");
      }
      for (const json of known.slice(KEPT - 1)) tx.removeSystem(tableOf(tx), idOf(json));
      return tx.insertSystem(EXPORTS, {
        state: "requested",
        requestor: "snapshotExport",
        format: { format: "zip", include_storage: includeStorage },
      });
    });
    this.#running = this.#run(id, includeStorage);
  }

  /** Where the export that began at `startTs` is. @throws TransferError when it is not there */
  async find(startTs: string): Promise<{ path: string; name: string; size: number }> {
    const name = `snapshot_${startTs}.zip`;
    const file = path.join(this.#folder, name);
    const size = /^\d{1,20}$/.test(startTs)
      ? await stat(file).then(
          (found) => found.size,
          () => null,
        )
      : null;
    if (size === null) {
      throw new TransferError(
        "ExportNotFound",
        `There is no export of timestamp ${startTs.slice(0, 20)}.`,
        404,
      );
    }
    return { path: file, name, size };
  }

  /** Resolves when no export is being written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #move(id: string, state: ExportState): Promise<void> {
    await this.#host.write((tx) =>
      tx.patchSystem(tableOf(tx), id, state as unknown as Record<string, Value>),
    );
  }

  async #run(id: string, includeStorage: boolean): Promise<void> {
    const host = this.#host;
    const release = host.files.hold();
    try {
      const startTs = await withSnapshot(host, async (snapshot) => {
        const file = path.join(this.#folder, `snapshot_${snapshot.ts}.zip`);
        await writeSnapshot(snapshot, includeStorage ? host.files : null, file);
        return snapshot.ts;
      });
      await this.#move(id, {
        state: "completed",
        start_ts: startTs,
        complete_ts: host.store.lastTs(),
        zip_object_key: `snapshot_${startTs}.zip`,
      });
      await this.#removeForgotten();
    } catch (error) {
      host.log("error", "export.failed", { reason: (error as Error).message });
      await this.#noteFailure(id);
    } finally {
      release();
    }
  }

  async #noteFailure(id: string): Promise<void> {
    try {
      await this.#move(id, { state: "failed", error_message: "The server failed; see its log." });
    } catch (error) {
      // The server is closing: at the next start the export is marked as failed.
      this.#host.log("warn", "export.stateLost", { reason: (error as Error).message });
    }
  }

  async #removeForgotten(): Promise<void> {
    const kept = await this.#host.read(
      (tx) =>
        new Set(
          listExports(tx).map((json) => (JSON.parse(json) as { zip_object_key?: string }).zip_object_key),
        ),
    );
    for (const name of readdirSync(this.#folder)) {
      if (!kept.has(name)) rmSync(path.join(this.#folder, name), { force: true });
    }
  }
}

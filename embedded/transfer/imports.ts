/** Imports from upload to end: counted and checked, confirmed by the user, then performed. */
import { rm } from "node:fs/promises";
import { FileError } from "../files/fileError.ts";
import { Transaction } from "../runtime/transaction.ts";
import { applyImport } from "./applyImport.ts";
import type { TransferHost } from "./host.ts";
import { addImport, moveImport, readState, setState, type ImportState } from "./importStates.ts";
import { optionalFields } from "./optionalFields.ts";
import type { ImportFormat, ParsedImport } from "./parsedImport.ts";
import { parseSnapshot } from "./parseSnapshot.ts";
import { parseTable } from "./parseTable.ts";
import { describePlan, planImport, type CountedTable, type ImportMode, type ImportPlan } from "./plan.ts";
import { stageFiles, type StagedFiles } from "./stageFiles.ts";
import { TransferError } from "./transferError.ts";

/** An import whose file is on the disk. */
interface Pending {
  readonly path: string;
  readonly mode: ImportMode;
  readonly format: ImportFormat;
}

/** What the user may be told of a failure: mistakes in the file, not faults of the server. */
const isExpected = (error: unknown): error is Error =>
  error instanceof TransferError || error instanceof FileError;

export class Imports {
  readonly #host: TransferHost;
  readonly #pending = new Map<string, Pending>();
  /** One import is worked on at a time. */
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(host: TransferHost) {
    this.#host = host;
  }

  /** Takes the file at `path` over and begins to check it; returns the import's id. */
  async begin(path: string, mode: ImportMode, format: ImportFormat): Promise<string> {
    const id = await addImport(this.#host, mode, format);
    this.#pending.set(id, { path, mode, format });
    this.#enqueue(id, (pending) => this.#check(id, pending));
    return id;
  }

  /** The user agrees. @throws TransferError when the import does not wait for that. */
  async confirm(id: string): Promise<void> {
    await this.#demand(id, "waiting_for_confirmation");
    await moveImport(this.#host, id, { state: "in_progress", progress_message: "Importing" });
    this.#enqueue(id, (pending) => this.#perform(id, pending));
  }

  /** The user does not agree, or has changed their mind. @throws TransferError when the import has ended. */
  async cancel(id: string): Promise<void> {
    // An import that is being performed sees this before its commit.
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    const moved = await moveImport(this.#host, id, { state: "failed", error_message: "Import canceled" });
    if (pending !== undefined) await rm(pending.path, { force: true });
    if (!moved)
      throw new TransferError("InvalidImport", `Import ${id.slice(0, 64)} cannot be canceled: it has ended.`);
  }

  /** Resolves when nothing is worked on. */
  async settled(): Promise<void> {
    await this.#tail;
  }

  /** Lets the import that is being worked on end early; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#tail;
  }

  async #demand(id: string, wanted: ImportState["state"]): Promise<void> {
    const state = await this.#host.read((tx) => readState(tx, id));
    if (state?.state === wanted) return;
    const now = state === null ? "does not exist" : `is ${state.state}`;
    throw new TransferError("InvalidImport", `Import ${id.slice(0, 64)} ${now}; it must be ${wanted}.`);
  }

  #enqueue(id: string, work: (pending: Pending) => Promise<void>): void {
    this.#tail = this.#tail.then(async () => {
      const pending = this.#pending.get(id);
      if (pending === undefined) return;
      try {
        await work(pending);
      } catch (error) {
        await this.#fail(id, error);
      }
    });
  }

  async #fail(id: string, error: unknown): Promise<void> {
    const { log } = this.#host;
    const expected = isExpected(error);
    if (!expected) log("error", "import.failed", { reason: (error as Error).message });
    const text = expected ? error.message : "The server failed; see its log.";
    try {
      await moveImport(this.#host, id, {
        state: "failed",
        error_message: `Hit an error while importing:\n${text}`,
      });
    } catch (cause) {
      // The server is closing: at the next start the import is marked as failed.
      log("warn", "import.stateLost", { reason: (cause as Error).message });
    }
    await this.#drop(id);
  }

  async #drop(id: string): Promise<void> {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending !== undefined) await rm(pending.path, { force: true });
  }

  #assertRunning(id: string): void {
    if (this.#stopped)
      throw new TransferError("ImportStopped", "The server is stopping. Nothing was imported.");
    if (!this.#pending.has(id)) throw new TransferError("ImportCanceled", "Import canceled");
  }

  #open({ path, format }: Pending): Promise<ParsedImport> | ParsedImport {
    if (format.format === "zip") return parseSnapshot(path);
    return parseTable(path, format, optionalFields(this.#host.schema(), format.table));
  }

  async #count(id: string, parsed: ParsedImport): Promise<CountedTable[]> {
    const tables: CountedTable[] = [];
    for (const table of parsed.tables) {
      let rows = 0;
      for await (const _row of table.rows()) {
        rows++;
        this.#assertRunning(id);
      }
      tables.push({ name: table.name, rows });
    }
    return tables;
  }

  async #plan(parsed: ParsedImport, mode: ImportMode, tables: CountedTable[]): Promise<ImportPlan> {
    const { store } = this.#host;
    const existing = await this.#host.read(() => {
      const counted = store.catalog
        .tables()
        .filter(({ name }) => !name.startsWith("_") || name === "_storage");
      return new Map(counted.map((table) => [table.name, store.documents.count(table)]));
    });
    const files = parsed.storage === null ? null : parsed.storage.files.length;
    return planImport({ mode, tables, files, existing });
  }

  async #check(id: string, pending: Pending): Promise<void> {
    const parsed = await this.#open(pending);
    try {
      const plan = await this.#plan(parsed, pending.mode, await this.#count(id, parsed));
      await moveImport(this.#host, id, {
        state: "waiting_for_confirmation",
        message_to_confirm: describePlan(plan),
        require_manual_confirmation: plan.destructive,
      });
    } finally {
      parsed.close();
    }
  }

  async #perform(id: string, pending: Pending): Promise<void> {
    const host = this.#host;
    const parsed = await this.#open(pending);
    const assertRunning = (): void => this.#assertRunning(id);
    let staged: StagedFiles | null = null;
    try {
      const tables = await this.#count(id, parsed);
      const plan = await this.#plan(parsed, pending.mode, tables);
      if (parsed.storage !== null) staged = await stageFiles(host.files, parsed.storage, assertRunning);
      await moveImport(host, id, {
        state: "in_progress",
        progress_message: "Writing documents",
        checkpoint_messages: checkpoints(tables, staged),
      });
      const files = staged?.files ?? [];
      const documents = await host.exclusive(async () => {
        const schema = host.schema();
        const written = await applyImport(
          { store: host.store, schema, assertRunning },
          { parsed, plan, mode: pending.mode, files, finish: (count) => this.#finish(id, count) },
        );
        host.invalidateAll();
        return written;
      });
      staged = null;
      host.files.removalsPending();
      host.log("info", "import.completed", { documents });
    } finally {
      await staged?.discard();
      parsed.close();
    }
    await this.#drop(id);
  }

  /** Notes the end in the import's own transaction: it is imported exactly when it says so. */
  #finish(id: string, documents: number): void {
    const { store } = this.#host;
    const tx = new Transaction({
      store,
      schema: this.#host.schema(),
      writable: true,
      commitTs: store.nextTs(),
    });
    const timestamp = store.nextTs();
    const moved = setState(tx, id, { state: "completed", num_rows_written: BigInt(documents), timestamp });
    if (!moved) throw new TransferError("ImportCanceled", "Import canceled");
  }
}

const counted = (count: number, unit: string): string => `(${count.toLocaleString("en-US")} ${unit})`;

/** What has been checked, for the user to see while the import goes on. */
function checkpoints(tables: readonly CountedTable[], staged: StagedFiles | null): string[] {
  const checked = tables.map(({ name, rows }) => `Checked "${name}" ${counted(rows, "documents")}`);
  return staged === null
    ? checked
    : [...checked, `Stored files of "_storage" ${counted(staged.files.length, "files")}`];
}

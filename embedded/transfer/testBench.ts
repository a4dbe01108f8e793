/** A database with files, search and transfer, and a client that behaves as the Convex CLI does; for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { JSONValue } from "convex/values";
import { openFileBench, type FileBench } from "../files/testBench.ts";
import { silentLogger } from "../log.ts";
import { makeSchema, vSchema, type Schema } from "../runtime/schema.ts";
import { openSearchExtension } from "../search/searchExtension.ts";
import { parseDocument, type Document } from "../storage/documents.ts";
import type { TransferHost } from "./host.ts";
import type { ImportState } from "./importStates.ts";
import { openTransfer, transferQueries, type Transfer } from "./transfer.ts";
import { handleTransferRequest } from "./transferHttp.ts";

const ORIGIN = "http://127.0.0.1:3210";
const WAIT_MS = 20_000;

export interface TransferBench extends FileBench {
  readonly host: TransferHost;
  readonly transfer: Transfer;
  readonly folder: string;
  setSchema(json: unknown): void;
  post(path: string, body?: unknown): Promise<Response>;
  get(path: string): Promise<Response>;
  /** Uploads in parts of `partBytes` and returns the import's id. */
  upload(bytes: Buffer, settings: Record<string, unknown>, partBytes?: number): Promise<string>;
  state(importId: string): Promise<ImportState>;
  /** Waits for a state in which nothing goes on by itself. */
  settledState(importId: string): Promise<ImportState>;
  /** Uploads, agrees, and waits for the end. */
  import(bytes: Buffer | string, settings: Record<string, unknown>): Promise<ImportState>;
  /** Asks for an export and downloads it. */
  export(includeStorage: boolean): Promise<Buffer>;
  documents(table: string): Promise<Document[]>;
  /** Ends it as a crash would: nothing is told to stop. */
  abandon(): void;
  end(): Promise<void>;
}

async function until<T>(probe: () => Promise<T | null>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Error(`nothing came of it in ${WAIT_MS} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Opens (again) what is in `folder`; without one, in a new folder that `end` removes. */
export async function openTransferBench(given?: string): Promise<TransferBench> {
  const folder = given ?? mkdtempSync(path.join(tmpdir(), "transfer-"));
  let schema: Schema = makeSchema(null);
  const bench = openFileBench(folder, {
    extensions: (driver) => [openSearchExtension(driver)],
    schema: () => schema,
  });
  const host: TransferHost = {
    ...{ store: bench.store, files: bench.files, log: silentLogger, now: Date.now },
    ...{ write: bench.write, read: bench.read, exclusive: bench.exclusive },
    folder: path.join(folder, "transfer"),
    schema: () => schema,
    invalidateAll: () => {},
  };
  await bench.files.recover();
  const transfer = await openTransfer(host);
  const request = (where: string, init: RequestInit): Promise<Response> =>
    handleTransferRequest(transfer, new Request(ORIGIN + where, init));
  const post = (where: string, body?: unknown): Promise<Response> =>
    request(where, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const json = async <T>(response: Response): Promise<T> => {
    const answer = (await response.json()) as T & { code?: string; message?: string };
    if (!response.ok) throw new Error(`${response.status} ${answer.code}: ${answer.message}`);
    return answer;
  };
  const query = (name: string, args: JSONValue): Promise<unknown> =>
    bench.read((tx) => JSON.parse(transferQueries[name]!(tx, args)) as unknown);
  const state = async (importId: string): Promise<ImportState> =>
    ((await query("_system/cli/queryImport.js:default", { importId })) as { state: ImportState }).state;

  const self: TransferBench = {
    ...{ ...bench, host, transfer, folder, post, state },
    setSchema: (given) => {
      schema = makeSchema(given === null ? null : vSchema.parse(given));
    },
    get: (where) => request(where, {}),
    upload: async (bytes, settings, partBytes = 5 << 20) => {
      const { uploadToken } = await json<{ uploadToken: string }>(await post("/api/import/start_upload"));
      const partTokens: string[] = [];
      for (let at = 0, number = 1; at < bytes.length || number === 1; at += partBytes, number++) {
        const where = `/api/import/upload_part?uploadToken=${uploadToken}&partNumber=${number}`;
        const part = new Uint8Array(bytes.subarray(at, at + partBytes));
        partTokens.push(await json<string>(await request(where, { method: "POST", body: part })));
      }
      const body = { import: settings, uploadToken, partTokens };
      return (await json<{ importId: string }>(await post("/api/import/finish_upload", body))).importId;
    },
    settledState: (importId) =>
      until(async () => {
        const now = await state(importId);
        return now.state === "uploaded" || now.state === "in_progress" ? null : now;
      }),
    import: async (content, settings) => {
      const importId = await self.upload(Buffer.from(content), settings);
      const checked = await self.settledState(importId);
      if (checked.state !== "waiting_for_confirmation") return checked;
      await json(await post("/api/perform_import", { importId }));
      return self.settledState(importId);
    },
    export: async (includeStorage) => {
      await json(await post(`/api/export/request/zip?includeStorage=${includeStorage}`));
      const latest = await until(async () => {
        const now = (await query("_system/cli/exports.js:getLatest", {})) as {
          state: string;
          start_ts: { $integer: string };
        };
        return now.state === "completed" || now.state === "failed" ? now : null;
      });
      if (latest.state === "failed") throw new Error("the export failed");
      const ts = Buffer.from(latest.start_ts.$integer, "base64").readBigUInt64LE();
      const response = await request(`/api/export/zip/${ts}`, {});
      if (response.status !== 200) throw new Error(await response.text());
      return Buffer.from(await response.arrayBuffer());
    },
    documents: (table) =>
      bench.read((tx) => {
        const out: Document[] = [];
        const found = tx.store.catalog.table(table);
        if (found !== null)
          tx.store.documents.each(found, (_document, row) => out.push(parseDocument(row.json)));
        return out;
      }),
    abandon: () => bench.close(),
    end: async () => {
      await transfer.stop();
      await bench.files.settled();
      bench.close();
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
  return self;
}

/** `ctx.storage`: the operations behind it in queries and mutations, and in actions. */
import * as z from "zod";
import type { Transaction } from "../runtime/transaction.ts";
import { checkStorageId, findFile, removeFile, type FileRow } from "./fileRows.ts";
import { parseSha256, type FileStore } from "./fileStore.ts";

const vStorageId = z.object({ storageId: z.unknown() });

/** What `getMetadata` returns: the digest in hexadecimal, unlike the row's own. */
const metadataOf = ({ uuid, sha256, size, contentType }: FileRow): Record<string, unknown> => ({
  storageId: uuid,
  sha256: Buffer.from(sha256, "base64").toString("hex"),
  size,
  contentType,
});

const refuse = (method: string, instead: string) => (): never => {
  throw new Error(
    `ctx.storage.${method}() is not supported in queries and mutations yet. Please use an action, or ${instead}.`,
  );
};

/** Runs inside a query's or mutation's transaction; returns the JSON text of the answer. */
export type TransactionOperation = (tx: Transaction, nowMs: number, args: unknown) => string;

/** Operations of queries and mutations by name. */
export function transactionFileOperations(files: FileStore): Record<string, TransactionOperation> {
  return {
    "1.0/storageGetUrl": (tx, _now, args) => {
      const file = findFile(tx, checkStorageId(tx, "getUrl", vStorageId.parse(args).storageId));
      return JSON.stringify(file === null ? null : files.urlOf(file));
    },
    "1.0/storageGetMetadata": (tx, _now, args) => {
      const file = findFile(tx, checkStorageId(tx, "getMetadata", vStorageId.parse(args).storageId));
      return JSON.stringify(file === null ? null : metadataOf(file));
    },
    "1.0/storageGenerateUploadUrl": (tx, now) => {
      tx.assertWritable();
      return JSON.stringify(files.uploadUrl(now));
    },
    "1.0/storageDelete": (tx, _now, args) => {
      const storageId = checkStorageId(tx, "delete", vStorageId.parse(args).storageId);
      tx.assertWritable();
      if (!removeFile(tx, storageId)) throw new Error(`storage id ${storageId} not found`);
      files.removalsPending();
      return "null";
    },
    "1.0/storageStore": refuse("store", "ctx.storage.generateUploadUrl() to upload from a client"),
    "1.0/storageGet": refuse("get", "ctx.storage.getUrl() to download from a client"),
  };
}

const vStoreBlob = z.object({
  blob: z.instanceof(Blob),
  options: z.object({ sha256: z.string().nullish() }).nullish(),
});

export interface ActionFileOperations {
  /** Answer with JSON text, as `Convex.asyncSyscall` does. */
  readonly json: Record<string, (args: unknown) => Promise<string>>;
  /** Answer with a value, as `Convex.jsSyscall` does. */
  readonly values: Record<string, (args: Record<string, unknown>) => Promise<unknown>>;
}

async function* chunksOf(blob: Blob): AsyncGenerator<Uint8Array> {
  for await (const chunk of blob.stream() as unknown as AsyncIterable<Uint8Array>) yield chunk;
}

/** Operations of actions; each that touches the database runs in a transaction of its own. */
export function actionFileOperations(
  files: FileStore,
  write: <T>(work: (tx: Transaction) => T) => Promise<T>,
  read: <T>(work: (tx: Transaction) => T) => Promise<T>,
): ActionFileOperations {
  const inTransaction = transactionFileOperations(files);
  const run =
    (op: string, transact: <T>(work: (tx: Transaction) => T) => Promise<T>) =>
    (args: unknown): Promise<string> =>
      transact((tx) => inTransaction[op]!(tx, files.now(), args));
  return {
    json: {
      "1.0/storageGetUrl": run("1.0/storageGetUrl", read),
      "1.0/storageGetMetadata": run("1.0/storageGetMetadata", read),
      "1.0/storageDelete": run("1.0/storageDelete", write),
      "1.0/storageGenerateUploadUrl": () => Promise.resolve(JSON.stringify(files.uploadUrl(files.now()))),
    },
    values: {
      "storage/storeBlob": async (args) => {
        const parsed = vStoreBlob.safeParse(args);
        if (!parsed.success) {
          throw new Error(
            "store() expects a Blob. If you are trying to store a Request, `await request.blob()` will give you the correct input.",
          );
        }
        const { blob, options } = parsed.data;
        const given = options?.sha256 ?? null;
        const sha256 = given === null ? null : parseSha256(given);
        if (given !== null && sha256 === null) {
          throw new Error(
            "Invalid argument `sha256` for `storage.store`: expected a SHA-256 in base64 or hexadecimal",
          );
        }
        return files.store(chunksOf(blob), { contentType: blob.type === "" ? null : blob.type, sha256 });
      },
      "storage/getBlob": async (args) => {
        const storageId = await read((tx) => checkStorageId(tx, "get", args["storageId"]));
        const file = await files.find(storageId);
        if (file === null) return null;
        return new Blob([new Uint8Array(await files.blobs.readAll(file.blob))], {
          type: file.contentType ?? "",
        });
      },
    },
  };
}

/** Joins the parts that stand beside the core to it: full-text search, vectors, file storage. */
import * as z from "zod";
import { actionFileOperations, transactionFileOperations } from "./files/fileOperations.ts";
import type { FileStore } from "./files/fileStore.ts";
import type { Backend } from "./runtime/backend.ts";
import { openSearchExtension } from "./search/searchExtension.ts";
import type { Driver } from "./storage/driver.ts";
import type { IndexExtension } from "./storage/indexExtension.ts";
import { openVectorExtension } from "./vector/vectorExtension.ts";
import { vectorSearch } from "./vector/vectorSearch.ts";

/** The kinds of index that are no plain key order. */
export const openExtensions = (driver: Driver): readonly IndexExtension[] => [
  openSearchExtension(driver),
  openVectorExtension(driver),
];

const vVectorSearch = z.object({ query: z.unknown() });

/** Gives functions the operations of the parts. */
export function joinParts(backend: Backend, files: FileStore): void {
  backend.addTransactionOperations(transactionFileOperations(files));
  const { json, values } = actionFileOperations(
    files,
    (work) => backend.write(work),
    (work) => backend.read(work),
  );
  for (const [op, run] of Object.entries(json)) backend.addActionOperation(op, (_host, args) => run(args));
  for (const [op, run] of Object.entries(values))
    backend.addActionJsOperation(op, (_host, args) => run(args));
  backend.addActionOperation("1.0/actions/vectorSearch", async (_host, args) =>
    JSON.stringify(
      await backend.executor.other(() => vectorSearch(backend.store, vVectorSearch.parse(args).query)),
    ),
  );
}

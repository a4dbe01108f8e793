/** Joins import and export to the backend: its executor, its live queries, its HTTP server. */
import path from "node:path";
import type { FileStore } from "../files/fileStore.ts";
import { requireAdmin } from "../http/auth.ts";
import type { RequestHandler } from "../http/server.ts";
import { sendWebResponse, toWebRequest } from "../http/web.ts";
import type { Backend } from "../runtime/backend.ts";
import { openTransfer, transferQueries, type Transfer } from "./transfer.ts";
import { handleTransferRequest, isTransferPath } from "./transferHttp.ts";

/** Opens imports and exports on `backend`, in `folder/transfer`, with the system queries that show their progress. */
export async function joinTransfer(backend: Backend, files: FileStore, folder: string): Promise<Transfer> {
  const transfer = await openTransfer({
    ...{ store: backend.store, files, log: backend.log, now: () => backend.now() },
    folder: path.join(folder, "transfer"),
    schema: () => backend.app.schema,
    write: (work) => backend.write(work),
    read: (work) => backend.read(work),
    exclusive: (work) => backend.executor.other(work),
    invalidateAll: () => backend.live.invalidateAll(),
  });
  backend.addSystemQueries(transferQueries);
  return transfer;
}

/** The endpoints of imports and exports, for the admin key only. */
export const transferHandler =
  (transfer: Transfer, backend: Backend, adminKey: string): RequestHandler =>
  async (url, request, response) => {
    if (!isTransferPath(url.pathname)) return false;
    await requireAdmin(request, backend, adminKey);
    const answer = await handleTransferRequest(transfer, toWebRequest(request, response, url));
    await sendWebResponse(response, answer, request.method !== "HEAD");
    return true;
  };

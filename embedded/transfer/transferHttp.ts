/** Imports and exports over HTTP. Whoever calls `handleTransferRequest` has checked the admin key. */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import * as z from "zod";
import type { ImportFormat } from "./parsedImport.ts";
import { TABLE_NAME } from "./parseSnapshot.ts";
import type { Transfer } from "./transfer.ts";
import { TransferError } from "./transferError.ts";

const MAX_JSON_BYTES = 4 << 20;
const EXPORT_PATH = /^\/api\/export\/zip\/([^/]+)$/;

const vFinish = z.object({
  import: z.object({
    tableName: z.string().nullish(),
    componentPath: z.string().nullish(),
    mode: z.enum(["requireEmpty", "append", "replace", "replaceAll"]).default("requireEmpty"),
    format: z.enum(["csv", "jsonLines", "jsonArray", "zip"]),
  }),
  uploadToken: z.string(),
  partTokens: z.array(z.string()).max(10_000),
});
const vImportId = z.object({ importId: z.string() });

type Handler = (transfer: Transfer, request: Request, url: URL) => Promise<Response>;

async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of bodyOf(request)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_JSON_BYTES) {
      throw new TransferError(
        "RequestTooLarge",
        `The request's body is larger than ${MAX_JSON_BYTES} bytes.`,
        413,
      );
    }
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TransferError("BadJsonBody", "The request's body is no JSON.", 400, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TransferError("BadRequest", `Malformed request: ${z.prettifyError(parsed.error)}`);
}

const bodyOf = (request: Request): AsyncIterable<Uint8Array> =>
  request.body === null
    ? Readable.from([])
    : Readable.fromWeb(request.body as unknown as NodeReadableStream<Uint8Array>);

function formatOf({ format, tableName }: z.infer<typeof vFinish>["import"]): ImportFormat {
  const table = tableName ?? null;
  if (format === "zip") {
    if (table !== null) throw new TransferError("InvalidName", "ZIP import cannot have table name");
    return { format };
  }
  if (table === null) {
    const names = { csv: "CSV", jsonLines: "JSONL", jsonArray: "JSON" };
    throw new TransferError("InvalidName", `${names[format]} import requires table name`);
  }
  if (!TABLE_NAME.test(table)) {
    const why = table.startsWith("_")
      ? "starts with metadata prefix '_'"
      : "use letters, digits and underscores";
    throw new TransferError("ImportInvalidName", `invalid table name ${table.slice(0, 80)}: ${why}`);
  }
  return { format, table };
}

const done = (): Response => Response.json(null);

const POST: Readonly<Record<string, Handler>> = {
  "/api/import/start_upload": async (transfer) => Response.json({ uploadToken: transfer.uploads.start() }),
  "/api/import/upload_part": async (transfer, request, url) => {
    const token = url.searchParams.get("uploadToken") ?? "";
    const number = Number(url.searchParams.get("partNumber") ?? NaN);
    return Response.json(await transfer.uploads.addPart(token, number, bodyOf(request)));
  },
  "/api/import/finish_upload": async (transfer, request) => {
    const body = await readJson(request, vFinish);
    if (body.import.componentPath != null && body.import.componentPath !== "") {
      throw new TransferError("ComponentsNotSupported", "Components are not supported by this backend.");
    }
    const format = formatOf(body.import);
    const file = await transfer.uploads.finish(body.uploadToken, body.partTokens);
    try {
      return Response.json({ importId: await transfer.imports.begin(file, body.import.mode, format) });
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  },
  "/api/perform_import": async (transfer, request) => {
    await transfer.imports.confirm((await readJson(request, vImportId)).importId);
    return done();
  },
  "/api/cancel_import": async (transfer, request) => {
    await transfer.imports.cancel((await readJson(request, vImportId)).importId);
    return done();
  },
  "/api/export/request/zip": async (transfer, _request, url) => {
    await transfer.exports.request(url.searchParams.get("includeStorage") === "true");
    return done();
  },
};

async function download(transfer: Transfer, request: Request, startTs: string): Promise<Response> {
  const { path, name, size } = await transfer.exports.find(startTs);
  const headers = {
    "content-type": "application/zip",
    "content-length": String(size),
    "content-disposition": `attachment; filename=${name}`,
    "cache-control": "private, max-age=2592000",
  };
  if (request.method === "HEAD") return new Response(null, { headers });
  const stream = createReadStream(path);
  request.signal.addEventListener("abort", () => stream.destroy(), { once: true });
  return new Response(Readable.toWeb(stream) as unknown as ReadableStream<Uint8Array>, { headers });
}

/** True for a path that `handleTransferRequest` answers. */
export const isTransferPath = (pathname: string): boolean =>
  Object.hasOwn(POST, pathname) || EXPORT_PATH.test(pathname);

/** Answers a request of the import and export API. Rejects only for a fault of the server. */
export async function handleTransferRequest(transfer: Transfer, request: Request): Promise<Response> {
  const url = new URL(request.url);
  try {
    const startTs = EXPORT_PATH.exec(url.pathname)?.[1];
    if (startTs !== undefined) {
      if (request.method === "GET" || request.method === "HEAD")
        return await download(transfer, request, startTs);
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    const handler = Object.hasOwn(POST, url.pathname) ? POST[url.pathname] : undefined;
    if (handler === undefined) return new Response(null, { status: 404 });
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    return await handler(transfer, request, url);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return Response.json({ code: error.code, message: error.message }, { status: error.status });
  }
}

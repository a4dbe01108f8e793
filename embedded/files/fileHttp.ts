/** Files over HTTP: `POST /api/storage/upload?token=…` and `GET` or `HEAD /api/storage/<uuid>`. */
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { FileError } from "./fileError.ts";
import { isUuid, type FileRow } from "./fileRows.ts";
import { parseSha256, type FileStore } from "./fileStore.ts";
import { parseRange } from "./range.ts";

const PREFIX = "/api/storage/";
/** A URL stands for the same bytes for ever. */
const CACHE_CONTROL = "private, max-age=2592000";
const MAX_CONTENT_TYPE = 255;
const HEADER_TEXT = /^[\x20-\x7e]*$/;

/** True for a path that `handleFileRequest` answers. */
export const isFilePath = (pathname: string): boolean => pathname.startsWith(PREFIX);

function expectedDigest(header: string | null): Buffer | null {
  if (header === null) return null;
  const match = /^\s*sha-256=(.+?)\s*$/i.exec(header);
  const digest = match === null ? null : parseSha256(match[1]!);
  if (digest === null) {
    throw new FileError("BadHeader", "Bad header for digest: expected `sha-256=<digest in base64>`.");
  }
  return digest;
}

function contentTypeOf(header: string | null): string | null {
  if (header === null || header === "") return null;
  if (header.length > MAX_CONTENT_TYPE || !HEADER_TEXT.test(header)) {
    throw new FileError("BadHeader", "Bad header for content-type.");
  }
  return header;
}

const noBytes = Readable.from([]);

async function upload(files: FileStore, request: Request, url: URL): Promise<Response> {
  files.tokens.check(url.searchParams.get("token") ?? "", files.now());
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > files.maxFileBytes) {
    throw new FileError(
      "FileTooLarge",
      `The file has ${declared} bytes; at most ${files.maxFileBytes} are stored.`,
    );
  }
  const bytes =
    request.body === null
      ? noBytes
      : Readable.fromWeb(request.body as unknown as NodeReadableStream<Uint8Array>);
  const storageId = await files.store(bytes, {
    contentType: contentTypeOf(request.headers.get("content-type")),
    sha256: expectedDigest(request.headers.get("digest")),
  });
  return Response.json({ storageId });
}

function headersOf(file: FileRow): Headers {
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": CACHE_CONTROL,
    etag: `"${file.sha256}"`,
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
  });
  if (file.contentType !== null) headers.set("content-type", file.contentType);
  return headers;
}

/** Whether `If-None-Match` names what the file holds. */
const isKnown = (header: string | null, file: FileRow): boolean =>
  header !== null &&
  header
    .split(",")
    .some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === `"${file.sha256}"`);

async function download(files: FileStore, request: Request, uuid: string): Promise<Response> {
  if (!isUuid(uuid)) {
    throw new FileError(
      "InvalidStoragePath",
      `Invalid storage path: ${JSON.stringify(uuid.slice(0, 64))}. Please use \`storage.getUrl()\` to generate a ` +
        "valid URL to retrieve files. See https://docs.convex.dev/file-storage/serve-files for more details",
    );
  }
  const file = await files.find(uuid);
  if (file === null || !(await files.blobs.has(file.blob))) {
    throw new FileError("FileNotFound", `File ${uuid} not found.`);
  }
  const headers = headersOf(file);
  if (isKnown(request.headers.get("if-none-match"), file))
    return new Response(null, { status: 304, headers });
  const ifRange = request.headers.get("if-range");
  const wanted = ifRange === null || ifRange === `"${file.sha256}"` ? request.headers.get("range") : null;
  const range = parseRange(wanted, file.size);
  if (range === "unsatisfiable") {
    headers.set("content-range", `bytes */${file.size}`);
    headers.delete("content-type");
    return new Response(null, { status: 416, headers });
  }
  const { start, end } = range ?? { start: 0, end: file.size - 1 };
  headers.set("content-length", String(end - start + 1));
  if (range === null) headers.set("digest", `sha-256=${file.sha256}`);
  else headers.set("content-range", `bytes ${start}-${end}/${file.size}`);
  const status = range === null ? 200 : 206;
  if (request.method === "HEAD" || file.size === 0) return new Response(null, { status, headers });
  const stream = files.blobs.read(file.blob, start, end);
  request.signal.addEventListener("abort", () => stream.destroy(), { once: true });
  return new Response(Readable.toWeb(stream) as unknown as ReadableStream<Uint8Array>, { status, headers });
}

const preflight = (request: Request): Response =>
  new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD, POST",
      "access-control-allow-headers": request.headers.get("access-control-request-headers") ?? "*",
      "access-control-max-age": "86400",
    },
  });

/** Answers a request whose path begins with `/api/storage/`. Never rejects for what a client did. */
export async function handleFileRequest(files: FileStore, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const name = url.pathname.slice(PREFIX.length);
  try {
    if (request.method === "OPTIONS") return preflight(request);
    if (name === "upload") {
      if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
      const response = await upload(files, request, url);
      response.headers.set("access-control-allow-origin", "*");
      return response;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    return await download(files, request, name);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return Response.json(
      { code: error.code, message: error.message },
      { status: error.status, headers: { "access-control-allow-origin": "*" } },
    );
  }
}

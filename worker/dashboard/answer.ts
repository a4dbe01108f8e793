import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { causeChain, type ErrorData } from "../../core/errors.ts";
import type { BuiltFile } from "./build.ts";

/** How answers of the dashboard's server leave it. */

/** What a request is refused with. `retryAfterS` where it may be fine later. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly data: ErrorData,
    readonly options: { retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(data.message, { cause: options.cause });
    this.name = "Refusal";
  }
}

/** A file in the form that the client takes best, or 304 where it has it. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: BuiltFile,
  headers: OutgoingHttpHeaders,
): void {
  const { bytes, type, etag, isImmutable } = file;
  const accepted = String(request.headers["accept-encoding"] ?? "");
  const encoding = (["br", "gzip"] as const).find((name) => bytes[name] !== null && accepts(accepted, name));
  const body = encoding === undefined ? bytes.identity : bytes[encoding]!;
  const own = {
    ...headers,
    etag,
    vary: "Accept-Encoding",
    // Names in assets/ carry a hash of what is in them.
    "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
  };
  if (hasIt(request, etag)) {
    response.writeHead(304, own).end();
    return;
  }
  response.writeHead(200, {
    ...own,
    "content-type": type,
    "content-length": body.length,
    ...(encoding !== undefined && { "content-encoding": encoding }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** A refusal for programs as JSON, like everywhere in Slipway; for whoever opened a page as a small page. */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  { status, data, options }: Refusal,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { type, text } = refusalBody(request, data);
  const headers: OutgoingHttpHeaders = {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ...(options.retryAfterS !== undefined && { "retry-after": String(options.retryAfterS) }),
    // What is left of the request is not read any more.
    ...(!request.complete && { connection: "close" }),
  };
  response.writeHead(status, headers);
  response.end(request.method === "HEAD" ? undefined : text);
}

/** The same, to whoever wanted a WebSocket: bytes for the bare connection. */
export function refusalBytes({ status, data, options }: Refusal): string {
  const text = JSON.stringify({ error: data });
  const retry = options.retryAfterS === undefined ? "" : `retry-after: ${options.retryAfterS}\r\n`;
  return (
    `HTTP/1.1 ${status} Refused\r\n${retry}content-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`
  );
}

/** Whether a log should have a line of it: what clients do wrong is no news. */
export function isNews(error: unknown): boolean {
  if (error instanceof Refusal) return false;
  return !causeChain(error).some((line) => /aborted|premature|ECONNRESET|EPIPE/i.test(line));
}

/** A refusal of what nobody foresaw says nothing of it. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const data: ErrorData = {
    code: "setup",
    message: "Something went wrong at the dashboard's server.",
    hint: "The worker's log says more.",
  };
  return new Refusal(500, data, { cause: error });
}

function refusalBody({ headers, url }: IncomingMessage, data: ErrorData): { type: string; text: string } {
  const wantsPage =
    String(headers.accept ?? "").includes("text/html") && !/^\/(?:api|door)\//.test(url ?? "");
  if (!wantsPage) return { type: "application/json", text: JSON.stringify({ error: data }) };
  const words = [data.message, data.hint ?? ""].map((text) =>
    text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
  );
  return {
    type: "text/html; charset=utf-8",
    text:
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
      `<title>Slipway</title><style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;` +
      `max-width:34rem;margin:20vh auto;padding:0 1.5rem}</style><h1>Slipway</h1><p>${words[0]}</p><p>${words[1]}</p></html>`,
  };
}

/** Whether an Accept-Encoding names `encoding` and does not rule it out. */
function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name, ...parameters] = part.trim().split(/\s*;\s*/);
    return (
      name?.toLowerCase() === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/i.test(parameter))
    );
  });
}

function hasIt({ headers }: IncomingMessage, etag: string): boolean {
  const tags = String(headers["if-none-match"] ?? "").split(/\s*,\s*/);
  return tags.some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

/** Reading requests and writing answers, with limits. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** An answer other than success, with a code that clients can tell apart. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Lets pages of any origin call, as Convex does: access is decided by tokens, never by cookies. */
const CORS: Record<string, string> = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD",
  "access-control-allow-headers": "*, authorization, content-type, convex-client, digest, sha256",
  "access-control-max-age": "86400",
};

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), ...CORS });
  response.end(text);
}

export const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  sendText(response, status, "application/json", JSON.stringify(value));

/** Convex's form of an error: `{code, message}`. */
export const sendError = (response: ServerResponse, error: HttpError): void =>
  sendJson(response, error.status, { code: error.code, message: error.message });

export function sendPreflight(response: ServerResponse): void {
  response.writeHead(204, CORS);
  response.end();
}

/** The whole body. @throws HttpError 413 when it is longer than `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) {
      throw new HttpError(413, "RequestTooLarge", `The request's body is larger than ${maxBytes} bytes.`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A body as JSON. @throws HttpError 400 when it is none. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new HttpError(400, "BadJsonBody", "The request's body is no JSON.", { cause: error });
  }
}

/** The body as JSON. @throws HttpError 400 when it is none, 413 when it is too long. */
export const readJson = async (request: IncomingMessage, maxBytes: number): Promise<unknown> =>
  parseJson(await readBody(request, maxBytes));

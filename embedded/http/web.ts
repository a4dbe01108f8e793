/** Between Node's HTTP messages and the web's `Request` and `Response`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

/** Passes bytes on, and fails when there are more than `maxBytes`. */
function limit(maxBytes: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed <= maxBytes) done(null, chunk);
      else done(new Error(`The request's body is larger than ${maxBytes} bytes.`));
    },
  });
}

/**
 * A web request with the same method, headers and (streamed) body; aborted when the client goes away.
 * Reading more than `maxBytes` of the body fails.
 */
export function toWebRequest(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  maxBytes = Infinity,
): Request {
  const headers = new Headers();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i]!, request.rawHeaders[i + 1]!);
  }
  const method = request.method ?? "GET";
  const aborted = new AbortController();
  response.once("close", () => aborted.abort());
  if (method === "GET" || method === "HEAD")
    return new Request(url, { method, headers, signal: aborted.signal });
  const limited = limit(maxBytes);
  // `pipe` passes on bytes, but not that the client has gone away.
  request.once("close", () => {
    if (!request.complete) limited.destroy(new Error("The client broke off its request."));
  });
  const body = Readable.toWeb(request.pipe(limited)) as unknown as ReadableStream<Uint8Array>;
  return new Request(url, { method, headers, body, signal: aborted.signal, duplex: "half" } as RequestInit);
}

/** Sends a web response, its body as a stream. */
export async function sendWebResponse(
  response: ServerResponse,
  answer: Response,
  withBody: boolean,
): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of answer.headers) if (name !== "set-cookie") headers[name] = value;
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  response.writeHead(answer.status, headers);
  if (answer.body === null || !withBody) {
    response.end();
    return;
  }
  try {
    await pipeline(Readable.fromWeb(answer.body as unknown as NodeReadableStream), response);
  } catch (error) {
    // The client went away before the end; nobody is left to be told.
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}

/** The HTTP servers: the API with the sync socket on one port, the app's HTTP actions on a second one. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "../log.ts";
import { HttpError, sendError, sendPreflight } from "./reply.ts";
import { requestUrl } from "./requestUrl.ts";

/** Answers a request, or gives false when it is not for it. */
export type RequestHandler = (
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<boolean> | boolean;

export interface Listening {
  readonly server: Server;
  readonly port: number;
  close(): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 120_000;

/** Starts a server that tries `handlers` in turn. Port 0 takes a free one. */
export async function listen(options: {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  readonly handlers: readonly RequestHandler[];
  /** True when preflight requests are answered here, rather than by a handler. */
  readonly preflight: boolean;
}): Promise<Listening> {
  const { host, port, log, handlers, preflight } = options;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = requestUrl(request);
    if (url === null) throw new HttpError(400, "BadRequest", "The request's address is malformed.");
    if (preflight && request.method === "OPTIONS") return sendPreflight(response);
    for (const handler of handlers) if (await handler(url, request, response)) return;
    throw new HttpError(404, "NotFound", `There is nothing at ${url.pathname}`);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const known =
        error instanceof HttpError
          ? error
          : new HttpError(500, "InternalServerError", "The server failed; see its log.");
      if (known !== error)
        log("error", "http.failed", { path: request.url?.split("?")[0], message: (error as Error).message });
      if (response.headersSent) return void response.destroy();
      // What was not read of a refused body must not be taken for the next request.
      if (!request.complete) {
        response.setHeader("connection", "close");
        response.once("finish", () => request.destroy());
      }
      sendError(response, known);
    });
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 500).unref();
      }),
  };
}

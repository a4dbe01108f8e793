import http from "node:http";
import { GatewayError } from "./gatewayError.ts";

export type DoorRequest = {
  method: "GET" | "PUT" | "POST" | "DELETE";
  path: string;
  headers?: Record<string, string>;
  body?: string;
  timeoutMs: number;
  /** Only what the answer begins with is waited for, and `body` is empty. */
  headersOnly?: boolean;
};

export type DoorAnswer = { status: number; headers: http.IncomingHttpHeaders; body: string };

/** Linux's limit on a unix socket's path. */
const MAX_SOCKET_PATH_BYTES = 107;
const MAX_ANSWER_BYTES = 64 * 1024 ** 2;

/**
 * One HTTP request over a unix socket, with a deadline for all of it that is waited for.
 * @throws GatewayError `unreachable` or `deadline`
 */
export function askDoor(socketPath: string, request: DoorRequest): Promise<DoorAnswer> {
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    return Promise.reject(
      new GatewayError(
        "unreachable",
        `The gateway's socket ${socketPath} has a longer path than the ${MAX_SOCKET_PATH_BYTES} bytes that Linux allows; use a shorter data directory.`,
      ),
    );
  }
  return new Promise((resolve, reject) => {
    const what = `${request.method} ${request.path}`;
    const sent = http.request({
      socketPath,
      method: request.method,
      path: request.path,
      agent: false,
      headers: {
        host: "localhost",
        ...(request.body === undefined ? {} : { "content-length": Buffer.byteLength(request.body) }),
        ...request.headers,
      },
    });
    const deadline = setTimeout(() => {
      sent.destroy(
        new GatewayError("deadline", `The gateway did not answer ${what} within ${request.timeoutMs} ms.`),
      );
    }, request.timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(deadline);
      reject(
        error instanceof GatewayError
          ? error
          : new GatewayError("unreachable", `The gateway cannot be asked (${what}).`, { cause: error }),
      );
    };
    sent.on("error", fail);
    sent.on("response", (response) => {
      if (request.headersOnly) {
        clearTimeout(deadline);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
        response.destroy();
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) {
          response.destroy(new GatewayError("broken", `The answer to ${what} does not end.`));
        }
        chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(deadline);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    sent.end(request.body);
  });
}

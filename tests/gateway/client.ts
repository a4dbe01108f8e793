import { once } from "node:events";
import http from "node:http";
import net from "node:net";

export type Answer = { status: number; headers: http.IncomingHttpHeaders; body: string };

export type Ask = {
  method?: string;
  /** The Host header; default `127.0.0.1:<port>`. */
  host?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: string | Buffer | AsyncIterable<Buffer>;
  agent?: http.Agent;
};

const ANSWER_MS = 20_000;

/** One request with its path as it is written, which `fetch` would tidy up first. */
export function ask(port: number, path: string, options: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        agent: options.agent ?? false,
        timeout: ANSWER_MS,
        headers: { host: options.host ?? `127.0.0.1:${port}`, ...options.headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          }),
        );
      },
    );
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`no answer to ${path} within ${ANSWER_MS} ms`)));
    void send(request, options.body);
  });
}

async function send(request: http.ClientRequest, body: Ask["body"]): Promise<void> {
  if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) {
    request.end(body);
    return;
  }
  const closed = new AbortController();
  request.once("close", () => closed.abort());
  for await (const chunk of body) {
    if (request.destroyed) return;
    if (!request.write(chunk)) await once(request, "drain", { signal: closed.signal }).catch(() => undefined);
  }
  request.end();
}

/** Sends bytes as they are and returns all that comes back until the gateway closes or `until` is in it. */
export function speak(port: number, bytes: string | Buffer, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    let heard = "";
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`heard only ${JSON.stringify(heard)}`)));
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
      if (until !== undefined && heard.includes(until)) socket.destroy();
    });
    socket.on("close", () => resolve(heard));
    socket.write(bytes);
  });
}

import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Refusal, refusalBytes } from "./answer.ts";
import { NO_PAGE } from "./headers.ts";

/**
 * What Convex's clients ask for. The rest of a backend's API is for its admin key, and that stays on this machine; files
 * are not shown, because anybody may have put them there.
 */
const FOR_CLIENTS = /^\/api\/(?:query|mutation|action|function|query_ts|query_at_ts|storage\/upload)$/;
const SYNC = /^\/api\/[\w.-]{1,40}\/sync$/;

/** Milliseconds: until a connection, until an answer begins or goes on, and without a byte on a subscription (it pings each 15 s). */
const UPGRADE_MS = 10_000;
const SILENCE_MS = 60_000;
const ACTION_SILENCE_MS = 11 * 60_000;
const SYNC_SILENCE_MS = 90_000;
/** A function's arguments have at most 16 MiB; files go to storage. */
const MOST_BYTES = { function: 20 * 1024 ** 2, storage: 1024 ** 3 };
const RETRY_AFTER_S = 2;
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
];

/** Passes what Convex's clients ask on to a backend on loopback. */
export class BackendProxy {
  private readonly target: { host: string; port: number };
  private readonly open = new Set<Duplex>();

  /** @param url the backend's, like `http://127.0.0.1:3210` */
  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.target = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
  }

  /**
   * Answers `request` with what the backend says.
   * @throws Refusal where it is no client's, too large, or the backend is away
   */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    if (!FOR_CLIENTS.test(path)) throw unknownAddress(path);
    const most = path === "/api/storage/upload" ? MOST_BYTES.storage : MOST_BYTES.function;
    if (Number(request.headers["content-length"] ?? 0) > most) throw tooLarge(most);

    const outgoing = this.request(request, path === "/api/action" ? ACTION_SILENCE_MS : SILENCE_MS);
    response.once("close", () => outgoing.destroy());
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve);
      outgoing.once("error", reject);
    });
    const counted = request.pipe(bounded(most));
    // Not a pipeline: that would end the client's connection, and the refusal could not be told.
    counted.once("error", (error) => outgoing.destroy(error));
    counted.pipe(outgoing);
    const answer = await answered.catch((error: unknown) => {
      throw backendAway(error);
    });
    response.writeHead(answer.statusCode ?? 502, { ...passedOn(answer.headers), ...NO_PAGE });
    await pipeline(answer, response);
  }

  /** Connects a client's WebSocket with the backend's; a refusal is written to `socket`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = pathOf(request);
    if (!SYNC.test(path)) return refuse(socket, unknownAddress(path));
    const outgoing = this.request(request, UPGRADE_MS, { connection: "Upgrade", upgrade: "websocket" });
    const giveUp = () => outgoing.destroy();
    socket.once("close", giveUp);
    outgoing.once("error", (error) => refuse(socket, backendAway(error)));
    outgoing.once("response", (answer) => {
      answer.resume();
      refuse(
        socket,
        new Refusal(502, {
          code: "setup",
          message: `The backend opens no WebSocket (${answer.statusCode}).`,
        }),
      );
    });
    outgoing.once("upgrade", (answer, far, farHead) => {
      socket.off("close", giveUp);
      if (socket.destroyed) return void far.destroy();
      this.join(socket, far);
      socket.write(switching(answer));
      if (farHead.length > 0) socket.write(farHead);
      if (head.length > 0) far.write(head);
      socket.pipe(far);
      far.pipe(socket);
    });
    outgoing.end();
  }

  close(): void {
    for (const socket of this.open) socket.destroy();
  }

  /** Two ends of one connection: neither outlives the other, nor a silence. */
  private join(...ends: [near: Duplex, far: Duplex]): void {
    const end = () => {
      for (const each of ends) {
        each.destroy();
        this.open.delete(each);
      }
    };
    for (const each of ends) {
      this.open.add(each);
      each.on("error", end).once("close", end);
      if ("setTimeout" in each) (each as http.IncomingMessage["socket"]).setTimeout(SYNC_SILENCE_MS, end);
    }
  }

  private request(
    { method, url, headers }: IncomingMessage,
    silenceMs: number,
    more: Record<string, string> = {},
  ): http.ClientRequest {
    const outgoing = http.request({
      ...this.target,
      method,
      path: url,
      headers: { ...passedOn(headers), ...more, host: `${this.target.host}:${this.target.port}` },
      // A connection of its own: one that was just closed at the other end would leave a mutation in the dark.
      agent: false,
    });
    outgoing.setTimeout(silenceMs, () => {
      outgoing.destroy(Object.assign(new Error(`silent for ${silenceMs / 1000} s`), { code: "ETIMEDOUT" }));
    });
    return outgoing;
  }
}

/** Writes `refusal` to a connection that was to become a WebSocket. */
export function refuse(socket: Duplex, refusal: Refusal): void {
  if (!socket.destroyed && socket.writable) socket.end(refusalBytes(refusal));
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? "/").split("?", 1)[0]!;
}

/** Of a message's headers those that are for the other end, too. Pages of other origins are not answered, so no CORS. */
function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        !HOP_BY_HOP.includes(name) &&
        !/^(?:host|cookie|set-cookie|origin|forwarded|access-control-.*|x-.*)$/.test(name),
    ),
  );
}

function switching({ rawHeaders }: IncomingMessage): string {
  const lines = [];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`;
}

function bounded(most: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > most) done(tooLarge(most));
      else done(null, chunk);
    },
  });
}

function backendAway(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const options = { retryAfterS: RETRY_AFTER_S, cause: error };
  const hint = "It is asked again by itself; slipway doctor says more if this stays.";
  if (code === "ETIMEDOUT") {
    return new Refusal(
      504,
      { code: "deadline", message: "The backend took too long to answer.", hint },
      options,
    );
  }
  if (code === "ECONNREFUSED") {
    return new Refusal(
      503,
      { code: "setup", message: "The backend does not answer: it is starting, or stopped.", hint },
      options,
    );
  }
  return new Refusal(
    502,
    { code: "setup", message: "The connection to the backend broke before it answered.", hint },
    options,
  );
}

function unknownAddress(path: string): Refusal {
  return new Refusal(404, {
    code: "not_found",
    message: `The dashboard passes nothing on for ${path.slice(0, 100)}.`,
    hint: "What needs the admin key is asked for at the backend itself.",
  });
}

function tooLarge(most: number): Refusal {
  return new Refusal(413, {
    code: "too_much",
    message: `The request has more than ${most / 1024 ** 2} MiB.`,
  });
}

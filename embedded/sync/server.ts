/** Accepts WebSocket connections at `/api/<version>/sync` and gives each a session. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { requestUrl } from "../http/requestUrl.ts";
import type { Backend } from "../runtime/backend.ts";
import { Session } from "./session.ts";

const PATH = /^\/api\/(?:[^/]+\/)?sync\/?$/;
const MAX_FRAME_BYTES = 20 << 20;
const PING_MS = 15_000;
/** A client that does not read this much is cut off, so that it cannot fill the server's memory. */
const MAX_UNSENT_BYTES = 128 << 20;

export interface SyncServer {
  /** True when the request is one for this server; it then owns the socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Closes all connections; clients reconnect by themselves. */
  close(): void;
  readonly connections: number;
}

export function startSync(backend: Backend, adminKey: string): SyncServer {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  const sessions = new Map<WebSocket, Session>();
  const dirty = new Set<Session>();
  const stopWatching = backend.onChange(() => {
    const flushing = [...dirty];
    dirty.clear();
    for (const session of flushing) session.flush();
  });
  const pings = setInterval(() => {
    for (const socket of sessions.keys()) send(socket, '{"type":"Ping"}');
  }, PING_MS);
  pings.unref();

  const send = (socket: WebSocket, text: string): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
      backend.log("warn", "sync.slowClient", { unsentBytes: socket.bufferedAmount });
      socket.terminate();
      return;
    }
    socket.send(text);
  };

  const accept = (socket: WebSocket, request: IncomingMessage): void => {
    const session: Session = new Session({
      ...{ backend, adminKey },
      peer: { send: (text) => send(socket, text), close: (code, reason) => socket.close(code, reason) },
      meta: {
        ip: request.socket.remoteAddress ?? null,
        userAgent: request.headers["user-agent"] ?? null,
      },
      markDirty: () => dirty.add(session),
    });
    sessions.set(socket, session);
    socket.on("message", (data, isBinary) => {
      if (isBinary) socket.close(1003, "BinaryMessage");
      else session.receive((data as Buffer).toString("utf8"));
    });
    // Malformed frames and oversized messages surface here; `close` follows.
    socket.on("error", (error) => backend.log("debug", "sync.socketError", { message: error.message }));
    socket.on("close", () => {
      sessions.delete(socket);
      dirty.delete(session);
      session.close();
    });
  };

  return {
    upgrade: (request, socket, head) => {
      if (!PATH.test(requestUrl(request)?.pathname ?? "")) return false;
      server.handleUpgrade(request, socket, head, accept);
      return true;
    },
    close: () => {
      clearInterval(pings);
      stopWatching();
      for (const [socket, session] of sessions) {
        session.close();
        socket.close(1001, "ServerShutdown");
      }
      for (const socket of sessions.keys()) setTimeout(() => socket.terminate(), 500).unref();
      server.close();
    },
    get connections() {
      return sessions.size;
    },
  };
}

/** A WebSocket to the sync endpoint that says whatever it is told to, and remembers all that it hears. */
import { connect, type Socket } from "node:net";
import { WebSocket, type RawData } from "ws";
import { until } from "../conformance/driver.ts";

interface Heard {
  readonly type: string;
  readonly [field: string]: unknown;
}

const BOUND_MS = 20_000;

export class RawClient {
  readonly #socket: WebSocket;
  readonly texts: string[] = [];
  closeCode: number | null = null;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: RawData) => this.texts.push((data as Buffer).toString("utf8")));
    socket.on("close", (code) => {
      this.closeCode = code;
    });
    socket.on("error", () => {
      // The close that follows tells.
    });
  }

  static async open(url: string, path = "/api/1.48.0/sync"): Promise<RawClient> {
    const socket = new WebSocket(`${url.replace("http", "ws")}${path}`);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  get heard(): Heard[] {
    return this.texts.map((text) => JSON.parse(text) as Heard);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message: unknown): void {
    if (this.isOpen) this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  sendBinary(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  connect(sessionId = crypto.randomUUID()): void {
    this.send({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null, clientTs: 1 });
  }

  /** Waits for a message that fits. */
  async hear(what: string, fits: (message: Heard) => boolean): Promise<Heard> {
    await until(
      `${what}, after ${this.texts.slice(-3).join(" ").slice(0, 500)}`,
      () => Promise.resolve(this.heard.some(fits)),
      BOUND_MS,
    );
    return this.heard.find(fits)!;
  }

  async closed(): Promise<number> {
    await until("the connection ends", () => Promise.resolve(this.closeCode !== null), BOUND_MS);
    return this.closeCode!;
  }

  /** Resolves when the server has taken all that was sent before, or has ended the connection. */
  async answered(): Promise<void> {
    let ponged = false;
    this.#socket.once("pong", () => {
      ponged = true;
    });
    if (this.isOpen) this.#socket.ping();
    await until("a pong, or the end", () => Promise.resolve(ponged || this.closeCode !== null), BOUND_MS);
  }

  end(): void {
    this.#socket.terminate();
  }
}

/** Writes bytes to the server's port as they are and answers with what came back until the server ended it. */
export async function exchangeBytes(url: string, ...parts: (string | Uint8Array)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port) });
  let heard = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`The server kept the connection open, having said: ${heard.slice(0, 300)}`));
    }, BOUND_MS);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.once("error", () => {
      // A reset is an end like another.
    });
    socket.once("connect", () => {
      for (const part of parts) socket.write(part);
    });
  });
  return heard;
}

import { createServer, connect, type Server, type Socket } from "node:net";
import { pause, type Clock } from "../clock.ts";

/**
 * Ports of the host, at 127.0.0.1, that lead to containers (DESIGN.md rule 13). Docker publishes nothing of a container
 * that is on internal networks alone, and a database is; so the worker listens itself and passes bytes on. A port stays
 * bound as long as its environment is there, whatever becomes of its container. A worker that stops takes its listeners
 * and their connections along; the next one binds the same ports again.
 */

export type HostPort = {
  port: number;
  /** Where it leads; null while nothing runs there: whoever connects is closed at once. */
  backend: { address: string; port: number } | null;
};

export type Unbound<T extends HostPort> = { wanted: T; error: unknown };

const HOST = "127.0.0.1";
/** A worker that this one replaces may still have it for a moment. */
const BIND_TRIES = 4;
const BIND_AGAIN_MS = 500;
const CONNECT_MS = 5_000;

type Listener = { server: Server; namespace: string; backend: HostPort["backend"]; sockets: Set<Socket> };

/** What the worker asks of whoever listens at the host's ports. */
export type PortHolder = Pick<HostPorts, "follow" | "close">;

export class HostPorts {
  private readonly listeners = new Map<number, Listener>();

  constructor(private readonly clock: Clock) {}

  /**
   * Listens on exactly `wanted` for a namespace; its other ports are given back, with their connections.
   * @returns those that could not be bound, and why
   */
  async follow<T extends HostPort>(namespace: string, wanted: readonly T[]): Promise<Unbound<T>[]> {
    const ports = new Set(wanted.map(({ port }) => port));
    const left = [...this.listeners].filter(
      ([port, listener]) => listener.namespace === namespace && !ports.has(port),
    );
    await Promise.all(left.map(([port]) => this.release(port)));
    const unbound: Unbound<T>[] = [];
    for (const one of wanted) {
      const known = this.listeners.get(one.port);
      if (known) {
        known.backend = one.backend;
        known.namespace = namespace;
        continue;
      }
      try {
        this.listeners.set(one.port, await this.listen(namespace, one));
      } catch (error) {
        unbound.push({ wanted: one, error });
      }
    }
    return unbound;
  }

  /** Gives every port back. */
  async close(): Promise<void> {
    await Promise.all([...this.listeners.keys()].map((port) => this.release(port)));
  }

  private async listen(namespace: string, { port, backend }: HostPort): Promise<Listener> {
    for (let tries = 1; ; tries += 1) {
      const listener: Listener = { server: createServer(), namespace, backend, sockets: new Set() };
      listener.server = createServer({ allowHalfOpen: true }, (socket) => pass(socket, listener));
      try {
        await bind(listener.server, port);
        // A listener alone is no reason for the worker to stay.
        listener.server.unref();
        return listener;
      } catch (error) {
        if (tries >= BIND_TRIES || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
        await pause(this.clock, BIND_AGAIN_MS);
      }
    }
  }

  private async release(port: number): Promise<void> {
    const listener = this.listeners.get(port);
    if (!listener) return;
    this.listeners.delete(port);
    const closed = new Promise<void>((resolve) => listener.server.close(() => resolve()));
    for (const socket of listener.sockets) socket.destroy();
    await closed;
  }
}

async function bind(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: HOST, port, exclusive: true }, () => {
      server.off("error", reject);
      // Of a connection that fails as it comes in, nobody needs to hear.
      server.on("error", () => {});
      resolve();
    });
  });
}

function pass(client: Socket, listener: Listener): void {
  const { backend, sockets } = listener;
  if (!backend) {
    client.destroy();
    return;
  }
  const container = connect({ host: backend.address, port: backend.port, allowHalfOpen: true });
  container.setTimeout(CONNECT_MS, () => container.destroy());
  container.once("connect", () => container.setTimeout(0));
  for (const [one, other] of [
    [client, container],
    [container, client],
  ] as const) {
    sockets.add(one);
    one.setNoDelay(true);
    one.on("error", () => other.destroy());
    one.once("close", () => {
      sockets.delete(one);
      other.destroy();
    });
    one.pipe(other);
  }
}

import type { HostPort, PortHolder, Unbound } from "../ports/hostPorts.ts";

/** The machine's ports at 127.0.0.1: each belongs to one process, or to a program outside Slipway. */
export class FakePorts {
  private readonly owners = new Map<number, PortClient | "somebody">();
  /** Ports that at some time could not be bound, because another one had them. */
  readonly refused = new Set<number>();

  ownerOf(port: number): PortClient | "somebody" | undefined {
    return this.owners.get(port);
  }

  /** A program outside Slipway begins to listen there, where nobody does. */
  take(port: number): boolean {
    if (this.owners.has(port)) return false;
    this.owners.set(port, "somebody");
    return true;
  }

  bind(port: number, client: PortClient): boolean {
    const owner = this.owners.get(port);
    if (owner !== undefined && owner !== client) {
      this.refused.add(port);
      return false;
    }
    this.owners.set(port, client);
    return true;
  }

  /** With a process go all its listeners. */
  release(client: PortClient, port?: number): void {
    for (const [at, owner] of this.owners) {
      if (owner === client && (port === undefined || at === port)) this.owners.delete(at);
    }
  }
}

/** One process's listeners, kept as `HostPorts` keeps real ones. */
export class PortClient implements PortHolder {
  /** Port → whose it is, and where it leads. */
  readonly listeners = new Map<number, { namespace: string; backend: HostPort["backend"] }>();

  constructor(
    private readonly ports: FakePorts,
    private readonly isAlive: () => boolean,
  ) {}

  async follow<T extends HostPort>(namespace: string, wanted: readonly T[]): Promise<Unbound<T>[]> {
    if (!this.isAlive()) return [];
    const kept = new Set(wanted.map(({ port }) => port));
    for (const [port, listener] of this.listeners) {
      if (listener.namespace !== namespace || kept.has(port)) continue;
      this.listeners.delete(port);
      this.ports.release(this, port);
    }
    const unbound: Unbound<T>[] = [];
    for (const one of wanted) {
      if (this.ports.bind(one.port, this)) this.listeners.set(one.port, { namespace, backend: one.backend });
      else unbound.push({ wanted: one, error: new Error(`listen EADDRINUSE 127.0.0.1:${one.port}`) });
    }
    return unbound;
  }

  async close(): Promise<void> {
    this.listeners.clear();
    this.ports.release(this);
  }
}

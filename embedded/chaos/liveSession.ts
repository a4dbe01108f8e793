/** A real client of the sync protocol that remembers every transition: what each of its queries showed, all at once. */
import { BaseConvexClient } from "convex/browser";
import { getFunctionName, type FunctionReference } from "convex/server";
import type { Value } from "convex/values";
import { WebSocket } from "ws";
import { explain } from "../conformance/errorClass.ts";

type Args = Record<string, Value>;

interface Held {
  readonly name: string;
  readonly args: Args;
  readonly token: string;
  readonly unsubscribe: () => void;
}

/** What the queries of a session showed after one transition; a query that has no result yet is absent. */
export type Shown = ReadonlyMap<string, unknown>;

export class LiveSession {
  readonly #client: BaseConvexClient;
  readonly #sockets = new Set<WebSocket>();
  readonly #held = new Map<string, Held>();
  readonly #waiting = new Set<() => void>();
  /** Every state that the session has shown, in order. */
  history: Shown[] = [];

  constructor(url: string) {
    const sockets = this.#sockets;
    class TrackedSocket extends WebSocket {
      constructor(address: string) {
        super(address);
        sockets.add(this);
        this.once("close", () => sockets.delete(this));
      }
    }
    this.#client = new BaseConvexClient(url, () => this.#remember(), {
      logger: false,
      webSocketConstructor: TrackedSocket as unknown as typeof globalThis.WebSocket,
    });
  }

  /** Cuts the connection, as a network does; the client connects again by itself. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  #remember(): void {
    this.history.push(this.shown());
    for (const wake of this.#waiting) wake();
  }

  /** What is shown now. */
  shown(): Shown {
    const shown = new Map<string, unknown>();
    for (const [key, { name, args }] of this.#held) {
      try {
        const value = this.#client.localQueryResult(name, args);
        if (value !== undefined) shown.set(key, value);
      } catch (error) {
        shown.set(key, explain(error));
      }
    }
    return shown;
  }

  subscribe(key: string, fn: FunctionReference<"query">, args: Args): void {
    if (this.#held.has(key)) return;
    const name = getFunctionName(fn);
    const { queryToken, unsubscribe } = this.#client.subscribe(name, args);
    this.#held.set(key, { name, args, token: queryToken, unsubscribe });
  }

  unsubscribe(key: string): void {
    this.#held.get(key)?.unsubscribe();
    this.#held.delete(key);
  }

  get keys(): string[] {
    return [...this.#held.keys()];
  }

  async mutation<T>(fn: FunctionReference<"mutation">, args: Args): Promise<T> {
    return (await this.#client.mutation(getFunctionName(fn), args)) as T;
  }

  /** Resolves when `done` holds for what is shown. @throws Error after `boundMs`. */
  async showing(what: string, done: (shown: Shown) => boolean, boundMs = 20_000): Promise<void> {
    if (done(this.shown())) return;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        settle();
      };
      const wake = (): void => {
        if (done(this.shown())) end(resolve);
      };
      const timer = setTimeout(
        () => end(() => reject(new Error(`${what}: not within ${boundMs} ms`))),
        boundMs,
      );
      this.#waiting.add(wake);
    });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

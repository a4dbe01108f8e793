/** The embedded backend as a driver: once over HTTP, once over the sync WebSocket, with Convex's own clients. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import type { Caller, Driver, Person } from "./driver.ts";
import type { Keys } from "./keys.ts";
import type { ServerProcess } from "./serverProcess.ts";

export interface EmbeddedDriver extends Driver {
  close(): Promise<void>;
}

/** Methods that Convex's clients have for its own tools and leave out of their types. */
interface WithAdminAuth {
  setAdminAuth(adminKey: string): void;
}

async function fetchSite(
  server: ServerProcess,
  keys: Keys,
  path: string,
  init: RequestInit = {},
  person?: Person,
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (person !== undefined) headers.set("authorization", `Bearer ${await keys.token(person)}`);
  return await fetch(server.siteUrl + path, { ...init, headers, signal: AbortSignal.timeout(20_000) });
}

export function httpDriver(server: ServerProcess, keys: Keys): EmbeddedDriver {
  const callerOf = (client: ConvexHttpClient, ready: Promise<void> = Promise.resolve()): Caller => ({
    query: async (fn, args) => {
      await ready;
      return await client.query(fn as never, args as never);
    },
    mutation: async (fn, args) => {
      await ready;
      return await client.mutation(fn as never, args as never);
    },
    action: async (fn, args) => {
      await ready;
      return await client.action(fn as never, args as never);
    },
  });
  const make = (): ConvexHttpClient => new ConvexHttpClient(server.url, { logger: false });
  const admin = make();
  (admin as unknown as WithAdminAuth).setAdminAuth(server.adminKey);
  return {
    name: "embedded over HTTP",
    ...callerOf(make()),
    internal: callerOf(admin),
    as: (person) => {
      const client = make();
      const signIn = keys.token(person).then((token) => client.setAuth(token));
      return callerOf(client, signIn);
    },
    fetch: (path, init, person) => fetchSite(server, keys, path, init, person),
    close: () => Promise.resolve(),
  };
}

export function webSocketDriver(server: ServerProcess, keys: Keys): EmbeddedDriver {
  const opened: ConvexClient[] = [];
  const open = (): ConvexClient => {
    const client = new ConvexClient(server.url, { logger: false });
    opened.push(client);
    return client;
  };
  const callerOf = (client: ConvexClient): Caller => ({
    query: (fn, args) => client.query(fn as never, args as never),
    mutation: (fn, args) => client.mutation(fn as never, args as never),
    action: (fn, args) => client.action(fn as never, args as never),
  });
  const admin = open();
  (admin.client as unknown as WithAdminAuth).setAdminAuth(server.adminKey);
  const people = new Map<string, Caller>();
  return {
    name: "embedded over WebSocket",
    ...callerOf(open()),
    internal: callerOf(admin),
    as: (person) => {
      const key = JSON.stringify(person);
      const known = people.get(key);
      if (known !== undefined) return known;
      const client = open();
      client.setAuth(() => keys.token(person));
      const caller = callerOf(client);
      people.set(key, caller);
      return caller;
    },
    fetch: (path, init, person) => fetchSite(server, keys, path, init, person),
    close: async () => {
      await Promise.all(opened.map((client) => client.close()));
    },
  };
}

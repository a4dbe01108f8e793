/**
 * What is measured, behind one interface: the same four operations, awaited one after the other, on the embedded
 * backend's functions, on `convex-test`'s, and as raw SQLite statements. None of them crosses a network.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { convexTest } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { NOBODY } from "../auth/identity.ts";
import { internalRequest } from "../runtime/request.ts";
import type { FunctionResult } from "../runtime/functionResult.ts";
import { startBackend } from "../server.ts";
import { RawSqlite } from "./rawSqlite.ts";
import schema from "./app/convex/schema.ts";

export const APP_DIR = fileURLToPath(new URL("./app/convex", import.meta.url));
export const PER_CHANNEL = 20;
const BATCH = 1_000;

export const OPERATIONS = ["get", "20-document index read", "insert", "mutation"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Contestant {
  /** Does `operation` once; `n` chooses the document or the channel, below the number of documents. */
  run(operation: Operation, n: number): Promise<void> | void;
  close(): Promise<void> | void;
}

/** The function that an operation calls, and with what. */
function call(operation: Operation, n: number, ids: readonly string[]) {
  const channel = Math.floor(n / PER_CHANNEL);
  switch (operation) {
    case "get":
      return { path: "messages:get", type: "query", args: { id: ids[n]! } } as const;
    case "20-document index read":
      return { path: "messages:channel", type: "query", args: { channel } } as const;
    case "insert":
      // Channels of its own, so that what the index read finds stays the same.
      return { path: "messages:insert", type: "mutation", args: { channel: -1 - n, body: "new" } } as const;
    case "mutation":
      return { path: "messages:touch", type: "mutation", args: { channel, body: `changed ${n}` } } as const;
  }
}

/** The whole function runtime on a file of its own, without HTTP: validators, realm, read sets, durable commit. */
export async function embedded(folder: string, documents: number): Promise<Contestant> {
  const running = await startBackend({ dir: APP_DIR, dbPath: path.join(folder, `embedded-${documents}.db`) });
  const caller = { identity: NOBODY, meta: internalRequest() };
  const invoke = async (type: "query" | "mutation", name: string, args: Value): Promise<Value> => {
    const made = await running.backend[type](name, convexToJson(args), caller, { internal: false });
    return valueOf(name, made);
  };
  const ids: string[] = [];
  for (let from = 0; from < documents; from += BATCH) {
    const to = Math.min(documents, from + BATCH);
    ids.push(
      ...((await invoke("mutation", "messages:insertMany", {
        from,
        to,
        perChannel: PER_CHANNEL,
      })) as string[]),
    );
  }
  return {
    run: async (operation, n) => {
      const { path: name, type, args } = call(operation, n, ids);
      await invoke(type, name, args);
    },
    close: () => running.close(),
  };
}

function valueOf(name: string, { outcome }: FunctionResult): Value {
  if (!outcome.ok) throw new Error(`${name} failed: ${JSON.stringify(outcome)}`);
  return jsonToConvex(JSON.parse(outcome.json) as JSONValue);
}

export async function inConvexTest(documents: number): Promise<Contestant> {
  const modules = {
    "./app/convex/messages.ts": () => import("./app/convex/messages.ts"),
    "./app/convex/_generated/none.js": () => Promise.resolve({}),
  };
  const t = convexTest({ schema, modules });
  const ids: string[] = [];
  const insertMany = makeFunctionReference<"mutation", Record<string, Value>, string[]>(
    "messages:insertMany",
  );
  for (let from = 0; from < documents; from += BATCH) {
    const to = Math.min(documents, from + BATCH);
    ids.push(...(await t.mutation(insertMany, { from, to, perChannel: PER_CHANNEL })));
  }
  return {
    run: async (operation, n) => {
      const { path: name, type, args } = call(operation, n, ids);
      if (type === "query") await t.query(makeFunctionReference<"query">(name), args);
      else await t.mutation(makeFunctionReference<"mutation">(name), args);
    },
    close: () => undefined,
  };
}

export function raw(folder: string, documents: number): Contestant {
  const sqlite = new RawSqlite(path.join(folder, `raw-${documents}.db`));
  sqlite.fill(documents, PER_CHANNEL);
  return {
    run: (operation, n) => {
      const channel = Math.floor(n / PER_CHANNEL);
      if (operation === "get") sqlite.get(n);
      else if (operation === "insert") sqlite.insert(-1 - n);
      else if (operation === "mutation") sqlite.touch(channel, `changed ${n}`);
      else sqlite.channel(channel, PER_CHANNEL);
    },
    close: () => sqlite.close(),
  };
}

/** How long a write takes to reach a subscriber, over real WebSockets, and how many writes a second one of them takes. */
import path from "node:path";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { startBackend, type RunningBackend } from "../server.ts";
import { APP_DIR, PER_CHANNEL } from "./contestants.ts";

const insertMany = makeFunctionReference<"mutation">("messages:insertMany");
const touch = makeFunctionReference<"mutation">("messages:touch");
const insert = makeFunctionReference<"mutation">("messages:insert");
const channelQuery = makeFunctionReference<"query", { channel: number }, { body: string }[]>(
  "messages:channel",
);
const DEADLINE_MS = 120_000;
const PER_SEED = 200;
/** Convex's client looks at each of its listeners at each transition, so a reader with all 10,000 would measure that. */
const QUERIES_PER_READER = 1_000;

export type LiveResult = {
  /** From the call of the mutation to the subscriber's callback, each in milliseconds. */
  latenciesMs: number[];
  /** Live queries that ran again, for each write. */
  runsPerWrite: number;
};

async function within<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${DEADLINE_MS} ms in vain: ${what}`)), DEADLINE_MS);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Subscribers with one live query a channel, and a writer on a connection of its own that changes one channel at a time. */
export async function writeToSubscriber(
  folder: string,
  queries: number,
  writes: number,
): Promise<LiveResult> {
  const running = await startBackend({ dir: APP_DIR, dbPath: path.join(folder, `live-${queries}.db`) });
  const writer = new ConvexClient(running.url);
  const readers = Array.from(
    { length: Math.ceil(queries / QUERIES_PER_READER) },
    () => new ConvexClient(running.url),
  );
  try {
    for (let from = 0; from < queries; from += PER_SEED) {
      const to = Math.min(queries, from + PER_SEED);
      await writer.mutation(insertMany, {
        from: from * PER_CHANNEL,
        to: to * PER_CHANNEL,
        perChannel: PER_CHANNEL,
      });
    }
    let arrived: (channel: number, body: string) => void = () => {};
    await within(
      `${queries} first results`,
      subscribeAll(readers, queries, (...seen) => arrived(...seen)),
    );
    const latenciesMs: number[] = [];
    const runsBefore = running.backend.live.runs;
    for (let n = 0; n < writes; n++) {
      const channel = (n * 7919) % queries;
      const body = `write ${n}`;
      const startedAt = performance.now();
      const seen = new Promise<void>((resolve) => {
        arrived = (at, text) => {
          if (at !== channel || text !== body) return;
          latenciesMs.push(performance.now() - startedAt);
          resolve();
        };
      });
      const written = writer.mutation(touch, { channel, body });
      await within(`write ${n}`, Promise.all([seen, written]));
    }
    return { latenciesMs, runsPerWrite: (running.backend.live.runs - runsBefore) / writes };
  } finally {
    await closeAll(running, writer, ...readers);
  }
}

/** Resolves when each channel's query has its first result; afterwards `onBody` hears each channel's first body. */
async function subscribeAll(
  readers: readonly ConvexClient[],
  queries: number,
  onBody: (channel: number, body: string) => void,
): Promise<void> {
  let waiting = queries;
  await new Promise<void>((resolve, reject) => {
    for (let channel = 0; channel < queries; channel++) {
      let first = true;
      readers[channel % readers.length]!.onUpdate(
        channelQuery,
        { channel },
        ([message]) => {
          if (first && --waiting === 0) resolve();
          first = false;
          onBody(channel, message?.body ?? "");
        },
        reject,
      );
    }
  });
}

/** Durable mutations a second over one WebSocket, all called at once. */
export async function pipelined(folder: string, mutations: number, round: number): Promise<number> {
  const running = await startBackend({ dir: APP_DIR, dbPath: path.join(folder, `pipelined-${round}.db`) });
  const client = new ConvexClient(running.url);
  try {
    await client.mutation(insert, { channel: 0, body: "the connection is there" });
    const startedAt = performance.now();
    const all = Array.from({ length: mutations }, (_, n) =>
      client.mutation(insert, { channel: n, body: `message ${n}` }),
    );
    await within(`${mutations} mutations`, Promise.all(all));
    return mutations / ((performance.now() - startedAt) / 1000);
  } finally {
    await closeAll(running, client);
  }
}

async function closeAll(running: RunningBackend, ...clients: ConvexClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
  await running.close();
}

/** What Convex's reactive client sees of a backend: first results, changes, consistency, pages, errors, identities. */
import { ConvexClient } from "convex/browser";
import type { FunctionArgs, FunctionReturnType } from "convex/server";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { startBackend, type RunningBackend } from "../server.ts";
import { api } from "./app/convex/_generated/api.js";
import { attempt } from "./errorClass.ts";
import { until, type Query } from "./driver.ts";
import { ISSUER, makeKeys, type Keys } from "./keys.ts";
import { CONFORMANCE_APP } from "./serverProcess.ts";

let server: RunningBackend;
let keys: Keys;

beforeAll(async () => {
  keys = await makeKeys();
  const env = { CONFORMANCE_JWKS: keys.jwks };
  server = await startBackend({ dir: CONFORMANCE_APP, dbPath: ":memory:", adminKey: "key", env });
});

afterAll(async () => {
  await server.close();
});

beforeEach(async () => {
  const client = connect();
  while (!(await client.mutation(api.testing.reset, {})));
});

function connect(): ConvexClient {
  const client = new ConvexClient(server.url, { logger: false });
  onTestFinished(() => client.close());
  return client;
}

interface Watched<T> {
  readonly results: (T | { error: unknown })[];
  last(): T;
  stop(): void;
}

function watch<F extends Query>(
  client: ConvexClient,
  fn: F,
  args: FunctionArgs<F>,
): Watched<FunctionReturnType<F>> {
  type T = FunctionReturnType<F>;
  const results: (T | { error: unknown })[] = [];
  const stop = client.onUpdate(
    fn as never,
    args as never,
    (result: T) => void results.push(result),
    (error) => void attempt(() => Promise.reject(error)).then((said) => results.push({ error: said })),
  );
  return { results, last: () => results.at(-1) as T, stop };
}

const insert = (client: ConvexClient, label: string, rank = 0, group = "g"): Promise<string> =>
  client.mutation(api.rows.insert, { table: "items", document: { label, rank, group } });

const labels = (page: readonly { label: string }[]): string[] => page.map(({ label }) => label);

test("gives the first result, then each change, and nothing after the end", async () => {
  const client = connect();
  const counted = watch(client, api.rows.find, { spec: { table: "items", terminal: { kind: "count" } } });
  await until("the first result", () => Promise.resolve(counted.results.length === 1));
  await insert(client, "a");
  await insert(client, "b");
  expect(counted.results).toEqual([0, 1, 2]);
  counted.stop();
  await insert(client, "c");
  expect(counted.results).toEqual([0, 1, 2]);
});

test("has shown a mutation's effect when the mutation's promise resolves", async () => {
  const client = connect();
  const counted = watch(client, api.clients.appended, {});
  for (let n = 0; n < 20; n++) {
    await client.mutation(api.clients.append, { client: "a", n });
    expect(counted.last()).toBe(n + 1);
  }
});

test("tells other clients of a change", async () => {
  const [writer, reader] = [connect(), connect()];
  const counted = watch(reader, api.clients.appended, {});
  await writer.mutation(api.clients.append, { client: "a", n: 0 });
  await until("the other client sees it", () => Promise.resolve(counted.last() === 1));
});

test("shows each state as of one commit, whatever races", async () => {
  const writers = [connect(), connect()];
  const reader = connect();
  const [balance, appended] = [
    watch(reader, api.clients.balance, {}),
    watch(reader, api.clients.appended, {}),
  ];
  await Promise.all(
    writers.flatMap((writer, w) =>
      Array.from({ length: 30 }, (_, n) => writer.mutation(api.clients.append, { client: `w${w}`, n })),
    ),
  );
  await until("everything has arrived", () =>
    Promise.resolve(appended.last() === 60 && balance.last().counted === 60),
  );
  for (const each of balance.results as { entries: number; counted: number }[])
    expect(each.entries).toBe(each.counted);
});

test("re-runs only the queries whose ranges a write touches, and each of them once", async () => {
  const client = connect();
  const groups = Array.from({ length: 40 }, (_, i) => `group ${i}`);
  for (const group of groups) await insert(client, `first of ${group}`, 1, group);
  const watched = groups.map((group) =>
    watch(client, api.rows.page, { group, paginationOpts: { numItems: 5, cursor: null } }),
  );
  await until("all are there", () => Promise.resolve(watched.every(({ results }) => results.length === 1)));
  const before = server.backend.live.runs;
  await insert(client, "new", 2, "group 7");
  await until("it has arrived", () => Promise.resolve(watched[7]!.results.length === 2));
  // The job that ticks each second touches no group, and nobody watches what it touches.
  expect(server.backend.live.runs - before).toBe(1);
  expect(watched.filter(({ results }) => results.length > 1)).toHaveLength(1);
});

test("re-runs one query for all of its subscribers", async () => {
  const clients = Array.from({ length: 8 }, connect);
  const watched = clients.map((client) => watch(client, api.clients.appended, {}));
  await until("all are there", () => Promise.resolve(watched.every(({ results }) => results.length === 1)));
  const before = server.backend.live.runs;
  await clients[0]!.mutation(api.clients.append, { client: "x", n: 0 });
  await until("all have it", () => Promise.resolve(watched.every((each) => each.last() === 1)));
  expect(server.backend.live.runs - before).toBe(1);
});

test("keeps the pages of a list adjacent while rows come and go", async () => {
  const client = connect();
  for (let rank = 0; rank < 4; rank++) await insert(client, String(rank), rank);
  const page = (cursor: string | null) =>
    watch(client, api.rows.page, { group: "g", paginationOpts: { numItems: 2, cursor } });
  const first = page(null);
  await until("the first page", () => Promise.resolve(first.results.length === 1));
  const second = page(first.last().continueCursor);
  await until("the second page", () => Promise.resolve(second.results.length === 1));
  const shown = () => [...labels(first.last().page), "|", ...labels(second.last().page)];
  expect(shown()).toEqual(["0", "1", "|", "2", "3"]);
  await insert(client, "0.5", 0.5);
  expect(shown()).toEqual(["0", "0.5", "1", "|", "2", "3"]);
  await client.mutation(api.rows.write, { writes: [{ op: "delete", table: "items", label: "1" }] });
  expect(shown()).toEqual(["0", "0.5", "|", "2", "3"]);
  await insert(client, "1.5", 1.5);
  expect(shown()).toEqual(["0", "0.5", "|", "1.5", "2", "3"]);
  const newcomer = watch(connect(), api.rows.page, {
    group: "g",
    paginationOpts: { numItems: 2, cursor: null },
  });
  await insert(client, "0.2", 0.2);
  await until("the newcomer has a page", () => Promise.resolve(newcomer.results.length > 0));
  expect(shown()).toEqual(["0", "0.2", "0.5", "|", "1.5", "2", "3"]);
});

test("tells of a query's error, and of its recovery", async () => {
  const client = connect();
  const spec = { table: "items", terminal: { kind: "unique" } };
  const unique = watch(client, api.rows.find, { spec });
  await insert(client, "one");
  await insert(client, "two");
  await client.mutation(api.rows.write, { writes: [{ op: "delete", table: "items", label: "two" }] });
  const said = unique.results.map((each) => {
    if (each === null || typeof each !== "object") return each;
    return "error" in each ? each.error : (each as { label: string }).label;
  });
  expect(said).toEqual([null, "one", { error: "notUnique" }, "one"]);
});

test("shows the data of whoever is signed in, and of nobody after signing out", async () => {
  const client = connect();
  const people = ["alice", "bob"].map((subject) => ({ subject, issuer: ISSUER }));
  const asPerson = (who: number) => client.setAuth(() => keys.token(people[who]!));
  const mine = watch(client, api.identity.myNotes, {});
  asPerson(0);
  await client.mutation(api.identity.addNote, { text: "of Alice" });
  await until("Alice sees her note", () => Promise.resolve(mine.last()?.[0] === "of Alice"));
  asPerson(1);
  await until("Bob sees none", () => Promise.resolve(mine.last()?.length === 0));
  await client.mutation(api.identity.addNote, { text: "of Bob" });
  await until("Bob sees his", () => Promise.resolve(mine.last()?.[0] === "of Bob"));
  client.client.clearAuth();
  await until("nobody sees any", () => Promise.resolve(mine.last() === null));
  const shown = mine.results.map((each) => JSON.stringify(each));
  const changes = shown.filter((each, i) => each !== shown[i - 1]);
  expect(changes.slice(changes.indexOf('["of Alice"]'))).toEqual([
    '["of Alice"]',
    "[]",
    '["of Bob"]',
    "null",
  ]);
});

test("parts the subscribers of a query when it begins to ask who they are", async () => {
  const [nobody, alice, bob] = [connect(), connect(), connect()];
  alice.setAuth(() => keys.token({ subject: "alice", issuer: ISSUER }));
  bob.setAuth(() => keys.token({ subject: "bob", issuer: ISSUER }));
  const asked = [nobody, alice, bob].map((client) =>
    watch(client, api.identity.askIfPresent, { label: "s" }),
  );
  await until("all share one answer", () =>
    Promise.resolve(asked.every((each) => each.last() === "nothing yet")),
  );
  await insert(nobody, "s");
  await until("all have their own", () =>
    Promise.resolve(asked.every((each) => each.last() !== "nothing yet")),
  );
  expect(asked.map((each) => each.last())).toEqual(["nobody", "alice", "bob"]);
});

test("sees what scheduled functions and actions write", async () => {
  const client = connect();
  const counted = watch(client, api.rows.find, { spec: { table: "items", terminal: { kind: "count" } } });
  await client.mutation(api.scheduling.soon, { label: "later", delayMs: 5 });
  await client.action(api.actions.readAndWrite, { label: "by action" });
  await until("both are seen", () => Promise.resolve(counted.last() === 2));
});

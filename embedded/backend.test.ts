/** The backend as Convex's own, unmodified clients see it. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api, internal } from "./fixtures/app/convex/_generated/api.js";
import type { RunningBackend } from "./server.ts";
import { startFixture, until } from "./testing/fixture.ts";

let running: RunningBackend;
let http: ConvexHttpClient;
let client: ConvexClient;

beforeAll(async () => {
  running = await startFixture({ env: { COLOUR: "green" }, wallTimeoutMs: 700 });
  http = new ConvexHttpClient(running.url, { logger: false });
  client = new ConvexClient(running.url, { logger: false });
});

afterAll(async () => {
  await client.close();
  await running.close();
});

const bodies = async (channel: string): Promise<string[]> =>
  (await http.query(api.messages.list, { channel })).map(({ body }) => body);

describe("queries and mutations over HTTP", () => {
  test("write and read back", async () => {
    const id = await http.mutation(api.messages.send, { channel: "a", body: "hello" });
    expect(await http.query(api.messages.get, { id })).toMatchObject({ _id: id, body: "hello", likes: 0 });
    await http.mutation(api.messages.like, { id });
    expect(await http.query(api.messages.get, { id })).toMatchObject({ likes: 1 });
    await http.mutation(api.messages.remove, { id });
    expect(await http.query(api.messages.get, { id })).toBeNull();
  });

  test("every kind of value survives the way in and out, in order", async () => {
    const values = [
      null,
      -5n,
      7n,
      -Infinity,
      -0,
      0,
      1.5,
      NaN,
      false,
      true,
      "",
      "ü",
      new ArrayBuffer(3),
      [1],
      { a: 1n },
    ];
    for (const value of [...values].reverse()) await http.mutation(api.misc.put, { value });
    expect(await http.query(api.misc.allValues, {})).toEqual(values);
    expect(await http.query(api.misc.echo, { value: values })).toEqual(values);
  });

  test("a failing mutation leaves nothing", async () => {
    await expect(http.mutation(api.messages.fail, { channel: "failing" })).rejects.toThrow(
      /Uncaught Error: boom\n +at handler \(\.\.\/convex\/messages\.ts:\d+:\d+\)/,
    );
    expect(await bodies("failing")).toEqual([]);
  });

  test("a ConvexError keeps its data", async () => {
    const id = await http.mutation(api.messages.send, { channel: "gone", body: "x" });
    await http.mutation(api.messages.remove, { id });
    const error: unknown = await http.mutation(api.messages.like, { id }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConvexError);
    expect((error as ConvexError<{ code: string }>).data).toEqual({ code: "not_found", id });
  });

  test("arguments, results and documents are validated", async () => {
    await expect(http.mutation(api.messages.send, { channel: 1 } as never)).rejects.toThrow(
      /ArgumentValidationError: Object is missing the required field `body`|ArgumentValidationError: Value does not match validator.\nPath: \.channel\nValue: 1\.0\nValidator: v\.string\(\)/,
    );
    await expect(http.query(api.messages.wrongReturn, {})).rejects.toThrow("ReturnsValidationError");
  });

  test("nested mutations roll back alone, in parallel too", async () => {
    const results = await http.mutation(api.messages.nested, { channel: "nested" });
    expect(results).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(await bodies("nested")).toEqual([
      "parent before",
      "child one",
      "parent meanwhile",
      "child three",
      "parent after",
    ]);
  });

  test("index ranges and filters", async () => {
    for (const likes of [3, 1, 2])
      await http.mutation(api.messages.send, { channel: "top", body: `n${likes}`, likes });
    await http.mutation(api.messages.send, { channel: "top", body: "hidden", author: "nobody", likes: 9 });
    expect(await http.query(api.messages.popular, { channel: "top", atLeast: 2 })).toEqual(["n2", "n3"]);
  });

  test("pages follow each other and reject a foreign cursor", async () => {
    for (let i = 0; i < 5; i++) await http.mutation(api.messages.send, { channel: "paged", body: `p${i}` });
    const first = await http.query(api.messages.page, {
      channel: "paged",
      paginationOpts: { numItems: 3, cursor: null },
    });
    expect(first.page.map(({ body }) => body)).toEqual(["p4", "p3", "p2"]);
    expect(first.isDone).toBe(false);
    const opts = { numItems: 3, cursor: first.continueCursor };
    const second = await http.query(api.messages.page, { channel: "paged", paginationOpts: opts });
    expect(second.page.map(({ body }) => body)).toEqual(["p1", "p0"]);
    expect(second.isDone).toBe(true);
    await expect(http.query(api.messages.page, { channel: "other", paginationOpts: opts })).rejects.toThrow(
      "InvalidCursor",
    );
    const bad = { numItems: 3, cursor: "nonsense" };
    await expect(http.query(api.messages.page, { channel: "paged", paginationOpts: bad })).rejects.toThrow(
      "InvalidCursor",
    );
  });

  test("functions see the deployment's variables and not the server's", async () => {
    expect(await http.query(api.misc.env, { name: "COLOUR" })).toBe("green");
    expect(await http.query(api.misc.env, { name: "PATH" })).toBeNull();
    expect(await http.query(api.misc.env, { name: "CONVEX_SITE_URL" })).toBe(running.siteUrl);
  });

  test("internal functions need the admin key", async () => {
    await expect(http.query(internal.messages.secret as never, {} as never)).rejects.toThrow(
      "Could not find public function for 'messages:secret'",
    );
    const admin = new ConvexHttpClient(running.url, { logger: false });
    (admin as unknown as { setAdminAuth(key: string): void }).setAdminAuth(running.adminKey);
    expect(await admin.query(internal.messages.secret as never, {} as never)).toBe("only for insiders");
    (admin as unknown as { setAdminAuth(key: string): void }).setAdminAuth("fixture|wrong");
    await expect(admin.query(api.messages.whoAmI, {})).rejects.toThrow("BadAdminKey");
  });
});

describe("what functions may not do", () => {
  test("fetch in a query", async () => {
    await expect(http.query(api.misc.fetches, {})).rejects.toThrow(
      "Can't use fetch() in queries and mutations",
    );
  });

  test("an endless loop is interrupted, undone, and hurts nobody else", async () => {
    const before = await http.query(api.misc.countUsers, {});
    await expect(http.mutation(api.misc.spins, {})).rejects.toThrow("Function execution timed out");
    expect(await http.query(api.misc.countUsers, {})).toBe(before);
    expect(await http.mutation(api.counters.bump, { name: "after loop" })).toBe(1);
  });

  test("endless queries are interrupted, and those that wait with them are answered", async () => {
    const answers = await Promise.allSettled(
      [1, 2, 3, 4, 5].map((i) =>
        i % 2 === 0 ? http.query(api.misc.spinsReading, {}) : http.query(api.misc.echo, { value: i }),
      ),
    );
    expect(answers.map((answer) => (answer.status === "fulfilled" ? answer.value : null))).toEqual([
      ...[1, null, 3, null, 5],
    ]);
    expect(String((answers[1] as PromiseRejectedResult).reason)).toContain("Function execution timed out");
  });

  test("waiting for ever", async () => {
    await expect(http.query(api.misc.never, {})).rejects.toThrow(
      "awaits a promise that nothing will ever resolve",
    );
  });

  test("writing after the end", async () => {
    const before = await http.query(api.misc.countUsers, {});
    await http.mutation(api.misc.writesAfterEnd, {});
    expect(await http.query(api.misc.countUsers, {})).toBe(before);
  });

  test("Web Crypto in a mutation works and commits with it", async () => {
    const before = await http.query(api.misc.countUsers, {});
    expect(await http.mutation(api.misc.digest, { text: "abc" })).toMatch(/^ba7816bf/);
    expect(await http.query(api.misc.countUsers, {})).toBe(before + 1);
  });

  test("commit timestamps rise", async () => {
    for (let i = 0; i < 3; i++) await http.mutation(api.misc.stamp, {});
    const stamps = (await http.query(api.misc.stamps, {})).map(({ at }) => at as bigint);
    expect(stamps).toHaveLength(3);
    expect(stamps[0]! < stamps[1]! && stamps[1]! < stamps[2]!).toBe(true);
  });
});

describe("actions", () => {
  test("call queries and mutations", async () => {
    expect(await http.action(api.messages.viaAction, { channel: "acted", body: "one" })).toEqual(["one"]);
  });

  test('"use node" files have Node', async () => {
    expect(await http.action(api.native.hash, { text: "abc" })).toMatch(/^ba7816bf/);
    expect(await bodies("native")).toHaveLength(1);
  });

  test("HTTP actions answer on their own port and under /http", async () => {
    const response = await fetch(`${running.siteUrl}/echo`, { method: "POST", body: "shout" });
    expect([response.status, response.headers.get("x-from"), await response.text()]).toEqual([
      201,
      "convex",
      "SHOUT",
    ]);
    expect(await (await fetch(`${running.url}/http/files/a/b`)).text()).toBe("/files/a/b");
    expect((await fetch(`${running.siteUrl}/nothing`)).status).toBe(404);
  });
});

describe("live queries over the WebSocket", () => {
  test("each write is seen, in order, and a mutation's promise comes after it", async () => {
    const seen: number[] = [];
    const stop = client.onUpdate(api.messages.list, { channel: "live" }, (found) => seen.push(found.length));
    await until("the first result", () => seen.length === 1);
    await client.mutation(api.messages.send, { channel: "live", body: "one" });
    expect(seen.at(-1)).toBe(1);
    await http.mutation(api.messages.send, { channel: "live", body: "two" });
    await until("the other client's write", () => seen.at(-1) === 2);
    expect(seen).toEqual([0, 1, 2]);
    stop();
  });

  test("only the touched query runs again", async () => {
    const results: string[] = [];
    const stops = ["x", "y", "z"].map((channel) =>
      client.onUpdate(api.messages.list, { channel }, (found) => results.push(`${channel}${found.length}`)),
    );
    await until("all first results", () => results.length === 3);
    const before = running.backend.live.runs;
    await client.mutation(api.messages.send, { channel: "y", body: "b" });
    expect(running.backend.live.runs - before).toBe(1);
    expect(results.slice(3)).toEqual(["y1"]);
    for (const stop of stops) stop();
  });

  test("pipelined mutations keep their order", async () => {
    const counts = await Promise.all(
      Array.from({ length: 200 }, () => client.mutation(api.counters.bump, { name: "pipelined" })),
    );
    expect(counts).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  test("a failing query reports its error and recovers", async () => {
    const errors: string[] = [];
    const stop = client.onUpdate(
      api.messages.wrongReturn,
      {},
      () => {},
      (error) => errors.push(error.message),
    );
    await until("the error", () => errors.length === 1);
    expect(errors[0]).toContain("ReturnsValidationError");
    stop();
  });

  test("actions and one-off queries work over the socket too", async () => {
    expect(await client.action(api.messages.viaAction, { channel: "ws", body: "one" })).toEqual(["one"]);
    expect(await client.query(api.messages.popular, { channel: "ws", atLeast: 0 })).toEqual(["one"]);
  });
});

describe("scheduling", () => {
  test("runs later, and says how it went", async () => {
    const id = await http.mutation(api.messages.sendLater, { channel: "later", body: "done", delayMs: 5 });
    const job = await until("the job's end", async () => {
      const found = await http.query(api.messages.job, { id });
      return found?.state.kind === "success" && found;
    });
    expect(job).toMatchObject({
      name: "messages.js:sendInternal",
      args: [{ channel: "later", body: "done" }],
    });
    expect(await bodies("later")).toEqual(["done"]);
  });

  test("cancelled jobs do not run", async () => {
    const id = await http.mutation(api.messages.sendLater, {
      channel: "cancelled",
      body: "no",
      delayMs: 60_000,
    });
    await http.mutation(api.messages.cancel, { id });
    expect((await http.query(api.messages.job, { id }))?.state).toEqual({ kind: "canceled" });
  });

  test("actions can schedule", async () => {
    await http.action(api.messages.scheduleFromAction, { channel: "from action", body: "x" });
    await until("the scheduled write", async () => (await bodies("from action")).length === 1);
  });

  test("crons tick", async () => {
    await until("two ticks", async () => (await http.query(api.counters.read, { name: "ticks" })) >= 2);
  });
});

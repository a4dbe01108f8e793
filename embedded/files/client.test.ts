/** Files, search and vectors as Convex's own clients see them, over HTTP and the WebSocket of a running backend. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { api } from "../conformance/app/convex/_generated/api.js";
import type { Id } from "../conformance/app/convex/_generated/dataModel.js";
import { startBackend, type RunningBackend } from "../server.ts";

const APP = path.resolve(import.meta.dirname, "../conformance/app/convex");

let folder: string;
let running: RunningBackend;
let http: ConvexHttpClient;

const start = async (): Promise<void> => {
  running = await startBackend({ dir: APP, dbPath: path.join(folder, "db.sqlite") });
  http = new ConvexHttpClient(running.url, { logger: false });
};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "files-client-"));
  await start();
});

afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true, force: true });
});

async function upload(body: BodyInit, contentType: string): Promise<Id<"_storage">> {
  const url = await http.mutation(api.files.uploadUrl, {});
  const response = await fetch(url, { method: "POST", body, headers: { "content-type": contentType } });
  expect(response.status).toBe(200);
  return ((await response.json()) as { storageId: Id<"_storage"> }).storageId;
}

test("a file is uploaded, read in parts, shown live, and gone after its removal", async () => {
  const bytes = new Uint8Array(3_000_000).map((_, i) => (i * 31) % 256);
  const id = await upload(bytes, "application/octet-stream");
  expect(await http.query(api.files.metadata, { id })).toMatchObject({
    size: bytes.length,
    contentType: "application/octet-stream",
  });
  const url = (await http.query(api.files.url, { id }))!;
  const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
  expect(whole.equals(bytes)).toBe(true);
  const part = await fetch(url, { headers: { range: "bytes=1000000-1000009" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 1000000-1000009/3000000"]);
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(1_000_000, 1_000_010));
  expect((await fetch(url, { headers: { range: "bytes=3000000-" } })).status).toBe(416);
  expect((await fetch(url, { method: "HEAD" })).headers.get("content-length")).toBe("3000000");

  const client = new ConvexClient(running.url);
  try {
    const seen: (string | null)[] = [];
    client.onUpdate(api.files.url, { id }, (value) => seen.push(value));
    await vi.waitFor(() => expect(seen).toEqual([url]), { timeout: 10_000 });
    await http.mutation(api.files.remove, { id });
    await vi.waitFor(() => expect(seen).toEqual([url, null]), { timeout: 10_000 });
  } finally {
    await client.close();
  }
  expect((await fetch(url)).status).toBe(404);
  await vi.waitFor(() => expect(readdirSync(path.join(folder, "db.sqlite.files", "blobs"))).toEqual([]));
});

test("an upload that the client breaks off leaves nothing, and the server goes on", async () => {
  const url = await http.mutation(api.files.uploadUrl, {});
  const aborted = new AbortController();
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 65_536;
      if (sent > 1_000_000) aborted.abort();
      else controller.enqueue(new Uint8Array(65_536));
    },
  });
  const init = { method: "POST", body, duplex: "half", signal: aborted.signal } as RequestInit;
  await expect(fetch(url, init)).rejects.toThrow();
  const left = (name: string): string[] => readdirSync(path.join(folder, "db.sqlite.files", name));
  await vi.waitFor(() => expect([left("blobs"), left("unfinished")]).toEqual([[], []]), { timeout: 10_000 });
  const id = await upload("still here", "text/plain");
  expect(await (await fetch((await http.query(api.files.url, { id }))!)).text()).toBe("still here");
  await http.mutation(api.files.remove, { id });
});

test("files and indexes are there after a restart", async () => {
  const id = await upload("kept", "text/plain");
  await http.mutation(api.searching.addArticles, {
    articles: [{ title: "kept", body: "a kept article about lighthouses", category: "x" }],
  });
  await http.mutation(api.searching.addPoints, {
    points: [{ name: "kept", color: "teal", embedding: [0, 0, 1] }],
  });
  const before = (await http.query(api.files.url, { id }))!;
  await running.close();
  await start();
  const after = (await http.query(api.files.url, { id }))!;
  expect(new URL(after).pathname).toBe(new URL(before).pathname);
  expect(await (await fetch(after)).text()).toBe("kept");
  expect(await http.query(api.searching.titles, { text: "lighthouse" })).toEqual(["kept"]);
  expect(await http.action(api.searching.nearest, { vector: [0, 0, 2], limit: 1, colors: ["teal"] })).toEqual(
    [["kept", expect.closeTo(1, 5)]],
  );
});

test("a subscribed search follows what is written", async () => {
  const client = new ConvexClient(running.url);
  try {
    const seen: string[][] = [];
    client.onUpdate(api.searching.titles, { text: "submarine" }, (titles) => seen.push(titles));
    await vi.waitFor(() => expect(seen).toEqual([[]]), { timeout: 10_000 });
    await http.mutation(api.searching.addArticles, {
      articles: [{ title: "boat", body: "a yellow submarine", category: "x" }],
    });
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(["boat"]), { timeout: 10_000 });
    await http.mutation(api.searching.editArticle, { title: "boat", body: "a red canoe" });
    await vi.waitFor(() => expect(seen.at(-1)).toEqual([]), { timeout: 10_000 });
  } finally {
    await client.close();
  }
});

/** What survives a restart, and what is refused at the start. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { afterEach, beforeEach, expect, test } from "vitest";
import { api } from "./fixtures/app/convex/_generated/api.js";
import { startFixture, temporaryFolder, until } from "./testing/fixture.ts";
import { openDriver } from "./storage/driver.ts";

let folder: ReturnType<typeof temporaryFolder>;
let dbPath: string;

beforeEach(() => {
  folder = temporaryFolder();
  dbPath = path.join(folder.path, "app.db");
});
afterEach(() => folder.remove());

test("documents and scheduled functions survive a restart; the pushed app is served without --dir", async () => {
  const first = await startFixture({ dbPath });
  const http = new ConvexHttpClient(first.url, { logger: false });
  await http.mutation(api.messages.send, { channel: "kept", body: "before" });
  await http.mutation(api.messages.sendLater, { channel: "kept", body: "scheduled", delayMs: 50 });
  await first.close();

  const second = await startFixture({ dbPath, dir: null });
  const again = new ConvexHttpClient(second.url, { logger: false });
  const found = await until("the scheduled message", async () => {
    const messages = await again.query(api.messages.list, { channel: "kept" });
    return messages.length === 2 && messages;
  });
  expect(found.map(({ body }) => body)).toEqual(["before", "scheduled"]);
  await second.close();
});

test("a second process is refused while the first owns the file", async () => {
  const first = await startFixture({ dbPath });
  await expect(startFixture({ dbPath })).rejects.toThrow(/is in use by process \d+/);
  await first.close();
  await (await startFixture({ dbPath })).close();
});

test("a file that is no database is refused and left as it is", async () => {
  const text = "This is a letter to my aunt, and not a database at all.";
  writeFileSync(dbPath, text);
  await expect(startFixture({ dbPath })).rejects.toThrow("is not a SQLite database");
  expect(readFileSync(dbPath, "utf8")).toBe(text);
});

test("a damaged database is refused", async () => {
  const first = await startFixture({ dbPath });
  const http = new ConvexHttpClient(first.url, { logger: false });
  for (let i = 0; i < 50; i++)
    await http.mutation(api.messages.send, { channel: "kept", body: "x".repeat(2_000) });
  await first.close();
  const bytes = readFileSync(dbPath);
  bytes.fill(0xab, 4_096, bytes.length - 4_096);
  writeFileSync(dbPath, bytes);
  await expect(startFixture({ dbPath })).rejects.toThrow(/cannot be read as a database/);
});

test("a file of a newer format, or of another program, is refused", async () => {
  await (await startFixture({ dbPath })).close();
  const newer = openDriver(dbPath);
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  await expect(startFixture({ dbPath })).rejects.toThrow("has format 99");

  const foreign = path.join(folder.path, "foreign.db");
  const driver = openDriver(foreign);
  driver.exec("CREATE TABLE theirs(a)");
  driver.close();
  await expect(startFixture({ dbPath: foreign })).rejects.toThrow("database of another program");
});

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "../storage/store.ts";
import { openEnvironment } from "./environment.ts";

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "embedded-environment-"));
  store = openStore({
    path: join(folder, "a.db"),
    durability: "normal",
    extensions: () => [],
    now: Date.now,
  });
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (secret: Record<string, string> = {}) =>
  openEnvironment(
    store.driver,
    () => ({}),
    () => {},
    secret,
  );

async function onDisk(): Promise<string> {
  const files = await readdir(folder);
  return (await Promise.all(files.map((file) => readFile(join(folder, file), "latin1")))).join("");
}

test("functions see a secret variable, and neither a list nor a file has it", async () => {
  open().update([{ name: "PLAIN", value: "plain-value" }]);
  const environment = open({ KEY: "secret-value" });
  expect(environment.all()).toEqual({ PLAIN: "plain-value", KEY: "secret-value" });
  expect(environment.list()).toEqual([{ name: "PLAIN", value: "plain-value" }]);
  environment.update([{ name: "KEY", value: "another-secret" }]);
  expect(environment.all()).toMatchObject({ KEY: "another-secret" });
  expect(environment.after([{ name: "PLAIN", value: null }])).toEqual({ KEY: "another-secret" });
  const written = await onDisk();
  expect(written).toContain("plain-value");
  expect(written).not.toMatch(/secret-value|another-secret/);
  expect(open().all()).toEqual({ PLAIN: "plain-value" });
});

test("a variable that was saved before it was secret is saved no longer", () => {
  open().update([{ name: "KEY", value: "saved" }]);
  open({ KEY: "secret-value" });
  expect(open().all()).toEqual({});
});

test("a secret variable can be removed, for as long as the process runs", () => {
  const environment = open({ KEY: "secret-value" });
  environment.update([{ name: "KEY", value: null }]);
  expect(environment.all()).toEqual({});
});

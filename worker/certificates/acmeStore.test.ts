import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AcmeStore, type AcmeState } from "./acmeStore.ts";

const STATE: AcmeState = {
  pair: { chain: "a chain", key: "a key" },
  directory: "https://acme.example/dir",
  failures: 0,
  retryAt: null,
};
/** Of 253 characters, as long as names can be. */
const LONGEST = `${`${"a".repeat(60)}.`.repeat(4)}example.x`;

let folder: string;
let told: string[];
let store: AcmeStore;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "slipway-acme-")), "acme");
  told = [];
  store = new AcmeStore(folder, (message) => told.push(message));
});
afterEach(async () => {
  await rm(join(folder, ".."), { recursive: true });
});

describe("what is kept of a domain", () => {
  test.each(["shop.example.com", LONGEST, LONGEST.slice(-238), LONGEST.slice(-239)])(
    "is read as it was written, and goes: %s",
    async (domain) => {
      expect(await store.read(domain)).toEqual({ failures: 0, retryAt: null });
      await store.write(domain, STATE);
      expect(await store.read(domain)).toEqual(STATE);
      expect(await store.domains()).toEqual([domain]);
      const [name] = await readdir(folder);
      expect((await stat(join(folder, name!))).mode & 0o777).toBe(0o600);
      await store.remove(domain);
      expect(await readdir(folder)).toEqual([]);
      expect(await store.domains()).toEqual([]);
    },
  );

  test("is read where an earlier version wrote it, without a directory", async () => {
    const { directory: _, ...earlier } = STATE;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "shop.example.com.certificate.json"), JSON.stringify(earlier));
    expect(await store.read("shop.example.com")).toEqual(earlier);
    expect(await store.domains()).toEqual(["shop.example.com"]);
  });

  test.each([
    ["nothing at all, after a power cut", ""],
    ["half of it", '{"pair":{"chain":"c","key":"-----BEGIN PRIVATE KEY-----'],
    ["something else", '{"key":"-----BEGIN PRIVATE KEY-----"}'],
  ])(
    "counts as nothing where its file holds %s, which is said once and without what it holds",
    async (_what, text) => {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "shop.example.com.certificate.json"), text);
      for (let times = 0; times < 3; times += 1) {
        expect(await store.read("shop.example.com")).toEqual({ failures: 0, retryAt: null });
      }
      expect(told).toHaveLength(1);
      expect(told[0]).toContain("shop.example.com.certificate.json");
      expect(told[0]).not.toContain("PRIVATE");
      await store.write("shop.example.com", STATE);
      expect(await store.read("shop.example.com")).toEqual(STATE);
    },
  );
});

test("the files of domains that are not kept go, whatever they hold", async () => {
  for (const domain of ["shop.example.com", "lost.example.com", LONGEST]) await store.write(domain, STATE);
  for (const name of await readdir(folder)) {
    if (!name.startsWith("shop")) await writeFile(join(folder, name), "");
  }
  await writeFile(join(folder, "account.json"), "{}");
  await store.removeOthers(["shop.example.com"]);
  expect((await readdir(folder)).sort()).toEqual(["account.json", "shop.example.com.certificate.json"]);
});

test("what a write that was cut off has left is cleared away, and nothing else", async () => {
  await store.write("shop.example.com", STATE);
  await writeFile(join(folder, "account.json"), "{}");
  const left = ["shop.example.com.certificate.json.4711.new", ".0123456789abcdef.new"];
  for (const name of left) await writeFile(join(folder, name), "-----BEGIN PRIVATE KEY-----");
  await store.clear();
  expect((await readdir(folder)).sort()).toEqual(["account.json", "shop.example.com.certificate.json"]);
  expect(await readFile(join(folder, "account.json"), "utf8")).toBe("{}");
});

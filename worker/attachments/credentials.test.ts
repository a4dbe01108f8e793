import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { credentialsFrom, deriveCredential } from "./credentials.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-credentials-"));
  await mkdir(join(dataDir, "keys"));
});
afterEach(() => rm(dataDir, { recursive: true }));

test("a credential is 32 letters and digits, another for each name and each key", () => {
  const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const names = ["ns/dev/postgres/password", "ns/test/postgres/password", "ns/dev/postgres/root-password"];
  const made = keys.flatMap((key) => names.map((name) => deriveCredential(key, name)));
  for (const credential of made) expect(credential).toMatch(/^[0-9A-Za-z]{32}$/);
  expect(new Set(made).size).toBe(made.length);
});

test("it stays the same, in every process", () => {
  expect(deriveCredential(Buffer.alloc(32), "ns/dev/postgres/password")).toBe(
    "NBr05PBNWuifLecZw8U441HrPDsXzV4e",
  );
});

test("the key is read from its file, and its absence says where it comes from", async () => {
  const credentials = credentialsFrom(dataDir);
  await expect(credentials("a")).rejects.toThrow(/attachments\.key/);
  const path = join(dataDir, "keys", "attachments.key");
  await writeFile(path, `${Buffer.alloc(32, 7).toString("hex")}\n`);
  await chmod(path, 0o600);
  expect(await credentials("a")).toBe(deriveCredential(Buffer.alloc(32, 7), "a"));
});

test("a damaged key is refused", async () => {
  await writeFile(join(dataDir, "keys", "attachments.key"), "abcd\n");
  await expect(credentialsFrom(dataDir)("a")).rejects.toThrow(/cannot be read/);
});

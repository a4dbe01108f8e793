import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureInstance, readInstance } from "./instance.ts";
import { freePort } from "./ports.ts";

let dataDir: string;
const said: string[] = [];
const say = (line: string) => void said.push(line);
const servers: Server[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-instance-"));
  said.length = 0;
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  await rm(dataDir, { recursive: true });
});

async function occupy(port: number): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

test("an instance is made once and stays the same", async () => {
  expect(await readInstance(dataDir)).toBeNull();
  const made = await ensureInstance(dataDir, {}, { say });
  expect(made.instanceId).toMatch(/^[a-z2-9]{8}$/);
  expect(await ensureInstance(dataDir, {}, { say })).toEqual(made);
  expect(await readInstance(dataDir)).toEqual(made);
});

test("a port that another program has is changed, and that is said in one line", async () => {
  const httpPort = await freePort(18_080);
  await ensureInstance(dataDir, { httpPort }, { say });
  said.length = 0;
  await occupy(httpPort);
  const moved = await ensureInstance(dataDir, {}, { say });
  expect(moved.httpPort).toBeGreaterThan(httpPort);
  expect(said).toEqual([`Port ${httpPort} is taken by another program: the gateway uses ${moved.httpPort}.`]);
  expect(new Set([moved.httpPort, moved.backendPort, moved.sitePort]).size).toBe(3);
});

test("the instance's own gateway may hold its port", async () => {
  const httpPort = await freePort(18_180);
  await ensureInstance(dataDir, { httpPort }, { say });
  said.length = 0;
  await occupy(httpPort);
  const kept = await ensureInstance(dataDir, {}, { say, isOurs: async (_id, port) => port === httpPort });
  expect(kept.httpPort).toBe(httpPort);
  expect(said).toEqual([]);
});

test("a port that was asked for by name is not replaced", async () => {
  const httpPort = await freePort(18_280);
  await occupy(httpPort);
  await expect(ensureInstance(dataDir, { httpPort }, { say })).rejects.toThrow(
    `Port ${httpPort} is taken by another program.`,
  );
  expect(await readInstance(dataDir)).toBeNull();
});

test("a damaged instance.json is named", async () => {
  await writeFile(join(dataDir, "instance.json"), '{"instanceId": "A B"}');
  await expect(readInstance(dataDir)).rejects.toThrow(/instance\.json is damaged: .*instanceId/);
});

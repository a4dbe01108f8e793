import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimPart, releasePart, runningPart } from "./pidFile.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-pid-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

test("one living process at a time has a part", async () => {
  expect(await claimPart(dataDir, "supervisor", process.pid)).toBeNull();
  expect(await runningPart(dataDir, "supervisor")).toMatchObject({ pid: process.pid });
  expect(await claimPart(dataDir, "supervisor", process.ppid)).toMatchObject({ pid: process.pid });
  await releasePart(dataDir, "supervisor");
  expect(await runningPart(dataDir, "supervisor")).toBeNull();
});

test("of many that claim at once exactly one gets it", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  const claims = await Promise.all(
    [process.pid, process.ppid, child.pid!].map(async (pid) => await claimPart(dataDir, "worker", pid)),
  );
  child.kill("SIGKILL");
  expect(claims.filter((holder) => holder === null)).toHaveLength(1);
});

test("a process that died leaves its part to the next", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await claimPart(dataDir, "worker", child.pid!);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await runningPart(dataDir, "worker")).toBeNull();
  expect(await claimPart(dataDir, "worker", process.pid)).toBeNull();
});

test("a later process with the same number is not mistaken for the one that had the part", async () => {
  await claimPart(dataDir, "backend", process.pid);
  const path = join(dataDir, "run", "backend.json");
  const file = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...file, startTime: "1" }));
  expect(await runningPart(dataDir, "backend")).toBeNull();
});

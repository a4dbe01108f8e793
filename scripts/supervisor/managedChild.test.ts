import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManagedChild } from "./managedChild.ts";
import { isAlive, sendSignal, startTimeOf } from "./processIdentity.ts";

let folder: string;
let child: ManagedChild | undefined;
const said: string[] = [];
const pids: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-child-"));
  said.length = pids.length = 0;
});
afterEach(async () => {
  child?.kill();
  child = undefined;
  await vi.waitFor(async () => await rm(folder, { recursive: true, force: true }));
});

function managed(
  program: string,
  { readyWithinMs = 10_000, stopWithinMs = 5000, finalExits = {} } = {},
): ManagedChild {
  child = new ManagedChild(
    {
      name: "worker",
      command: [process.execPath, "-e", program],
      env: process.env,
      cwd: folder,
      logPath: join(folder, "worker.log"),
      isReadyLine: (line) => line === "ready",
      readyWithinMs,
      stopWithinMs,
      finalExits,
    },
    { say: (line) => void said.push(line), onSpawn: async (pid) => void pids.push(pid) },
  );
  return child;
}

const WELL = "setInterval(() => {}, 1000); console.error('ready')";

test("it is started, logged, and stopped", async () => {
  const worker = managed(WELL);
  await worker.start();
  const identity = { pid: pids[0]!, startTime: (await startTimeOf(pids[0]!))! };
  expect(await isAlive(identity)).toBe(true);
  await worker.stop();
  expect(await isAlive(identity)).toBe(false);
  expect(await readFile(join(folder, "worker.log"), "utf8")).toBe("ready\n");
  expect(said).toEqual([]);
});

test("killed, it is started again, and that is said in one line each", async () => {
  const worker = managed(WELL);
  await worker.start();
  sendSignal(pids[0]!, "SIGKILL");
  await vi.waitFor(() => expect(said).toHaveLength(2), { timeout: 10_000 });
  expect(said[0]).toMatch(/^The worker ended \(SIGKILL\); it starts again in 0\.\d s\. Its log: \S+$/);
  expect(said[1]).toBe("The worker is ready again.");
  expect(pids).toHaveLength(2);
  await worker.stop();
});

test("one that ends before it is ready fails with its last words", async () => {
  const worker = managed("console.error('no key'); process.exit(3)");
  await expect(worker.start()).rejects.toThrow(/The worker ended \(exit code 3\)[^]*no key/);
});

test("one that is never ready fails within its bound, and is gone", async () => {
  const worker = managed("setInterval(() => {}, 1000)", { readyWithinMs: 300 });
  await expect(worker.start()).rejects.toThrow(/was not ready after 0\.3 s/);
  await vi.waitFor(async () => expect(await startTimeOf(pids[0]!)).toBeNull());
});

test("one that ignores SIGTERM is killed within its bound", async () => {
  const worker = managed(`process.on('SIGTERM', () => {}); ${WELL}`, { stopWithinMs: 300 });
  await worker.start();
  await worker.stop();
  expect(await startTimeOf(pids[0]!)).toBeNull();
  expect(said).toEqual(["The worker did not stop within 0.3 s: it is killed."]);
});

test("one that ended for good is not started again, and why is said", async () => {
  const worker = managed(`process.on('SIGUSR2', () => process.exit(3)); ${WELL}`, {
    finalExits: { 3: "somebody else has its place." },
  });
  await worker.start();
  sendSignal(pids[0]!, "SIGUSR2");
  await vi.waitFor(() => {
    expect(said).toEqual(["The worker ended and stays so: somebody else has its place."]);
  });
  await worker.stop();
  expect(pids).toHaveLength(1);
});

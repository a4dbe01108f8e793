import { readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually, type TestInstance } from "../../../tests/firstLight/instance.ts";
import { interruption } from "./interruption.ts";
import { develop, move, prepare, remove, SMALL, untilSettled } from "./projects.ts";
import { processUse } from "./processUse.ts";

/** One network and one container each: what matters here is their number. */
const MANIFEST = { stack: "static", egress: "none" as const, environments: SMALL };
/** The worker looks at everything once in this time. */
const PERIOD_MS = 60_000;
/** After which nobody calls Docker any more: then a look at everything is over. */
const QUIET_MS = 3_000;

/** Brought up at once: more than these only wait for each other. */
const AT_ONCE = 25;

export type IdleUse = {
  projects: number;
  /** Of these; the others are paused, their containers stopped. */
  awake: number;
  broughtUpMs: number;
  /** Of one period with nothing to do. */
  cpuMs: number;
  residentBytes: number;
  /** Calls to Docker in it, by what was called. */
  calls: Record<string, number>;
  /** Of a new worker that finds everything as it should be, until it is ready and no longer asks Docker. */
  restart: { readyMs: number; quietMs: number; calls: Record<string, number> };
};

/**
 * @param awake how many of them go on running: Docker's own health checks of many more than 200 take all of two cores
 * @param callsFile where `countCalls.mjs` writes
 */
export async function measureIdle(
  slipway: TestInstance,
  count: number,
  awake: number,
  callsFile: string,
): Promise<IdleUse> {
  const names = Array.from({ length: count }, (_, index) => `idle-${index}`);
  const projects = await prepare(slipway.dataDir, names, MANIFEST);
  const began = performance.now();
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = projects.slice(first, first + AT_ONCE);
    await develop(slipway.dataDir, some);
    await untilSettled(slipway.dataDir, some);
    const asleep = some.slice(Math.max(0, awake - first));
    await move(slipway.dataDir, asleep, "paused");
    await untilSettled(slipway.dataDir, asleep);
  }
  const broughtUpMs = performance.now() - began;
  await untilQuiet(callsFile);

  const pid = await slipway.pidOf("worker");
  await truncate(callsFile);
  const before = await processUse(pid);
  await delay(PERIOD_MS, undefined, { signal: interruption });
  const after = await processUse(pid);
  const calls = await countedCalls(callsFile);

  const restart = await measureRestart(slipway, callsFile);
  await remove(slipway.dataDir, projects);
  return {
    projects: count,
    awake: Math.min(awake, count),
    broughtUpMs,
    cpuMs: after.cpuMs - before.cpuMs,
    residentBytes: after.residentBytes,
    calls,
    restart,
  };
}

async function measureRestart(slipway: TestInstance, callsFile: string): Promise<IdleUse["restart"]> {
  const log = join(slipway.dataDir, "logs", "worker.log");
  const readyLines = async () => (await readFile(log, "utf8")).split('"event":"ready"').length;
  const lines = await readyLines();
  const pid = await slipway.pidOf("worker");
  await truncate(callsFile);
  process.kill(pid, "SIGKILL");
  await eventually("another worker runs", async () => (await slipway.pidOf("worker")) !== pid);
  const began = performance.now();
  await eventually("it is ready", async () => (await readyLines()) > lines, 300_000);
  const readyMs = performance.now() - began;
  await untilQuiet(callsFile);
  const quietMs = performance.now() - began - QUIET_MS;
  return { readyMs, quietMs, calls: await countedCalls(callsFile) };
}

async function untilQuiet(callsFile: string): Promise<void> {
  let size = -1;
  for (;;) {
    const { length } = await readFile(callsFile);
    if (length === size) return;
    size = length;
    await delay(QUIET_MS, undefined, { signal: interruption });
  }
}

async function countedCalls(file: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of (await readFile(file, "utf8")).split("\n").filter(Boolean)) {
    const kind = line.replace(/\/(containers|exec|images|networks|volumes)\/(?!json$|create$)[^/]+/, "/$1/…");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/**
 * `npm run bench:environments [-- --projects 50 --pairs 5 --drifts 20 --idle 500 --awake 500 --parallel 4 --json]`: what the worker
 * costs beside Docker alone, on a Slipway of its own that is purged at the end.
 *
 * - Throughput: `--projects` projects of two containers each, from the first mutation to the last first 200 through
 *   nginx, beside a plain dockerode script (`plainProject.ts`) that makes the same containers, limits, networks, volumes
 *   and routes, `--parallel` projects at once; in turns first and second. Goal: 0.85 of the script's throughput.
 * - Drift: from `docker kill` to the first 200, beside a plain `docker start` of the same container. Goal: 2 s more.
 * - Idle: `--idle` projects of one container each, over a minute in which nothing happens: the worker's CPU, memory and
 *   calls to Docker. Goal: no call per container. Then the same for a worker that is killed and starts anew. All but
 *   `--awake` of them are paused meanwhile.
 *
 * `--idle 0`, `--drifts 0` or `--pairs 0` leaves a part out.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import Docker from "dockerode";
import { TestInstance } from "../../tests/firstLight/instance.ts";
import { freePort } from "../setup/ports.ts";
import { createProgress } from "../progress/progress.mjs";
import { measureDrift, type DriftRun } from "./environments/drift.ts";
import { interruption } from "./environments/interruption.ts";
import { measureIdle, type IdleUse } from "./environments/idle.ts";
import { bringUpOurs, bringUpPlain, CONTAINERS_EACH } from "./environments/throughput.ts";
import { median, quantile } from "./quantiles.ts";

const { values: options } = parseArgs({
  options: {
    projects: { type: "string", default: "50" },
    pairs: { type: "string", default: "5" },
    drifts: { type: "string", default: "20" },
    idle: { type: "string", default: "500" },
    awake: { type: "string" },
    parallel: { type: "string", default: "4" },
    json: { type: "boolean", default: false },
  },
});
const [projects, pairs, drifts, idle, parallel] = [
  options.projects,
  options.pairs,
  options.drifts,
  options.idle,
  options.parallel,
].map(Number) as [number, number, number, number, number];

/** As shells have it for Ctrl-C. */
const INTERRUPTED = 130;

type Pair = { oursMs: number; plainMs: number };

const docker = new Docker();
const progress = createProgress();
const callsFile = join(tmpdir(), `slipway-bench-calls-${process.pid}`);
await writeFile(callsFile, "");
const preload = fileURLToPath(new URL("environments/countCalls.mjs", import.meta.url));
process.env.SLIPWAY_BENCH_CALLS = callsFile;
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --import=${preload}`;

const slipway = await TestInstance.make();
try {
  const port = await freePort(19_400);
  await step("Starting a Slipway of its own", () => slipway.must("up", "-d", "--port", `${port}`));
  const measured = { pairs: await throughput(), drift: await drift(), idle: await idleUse() };
  if (options.json) process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
  else process.stdout.write(`${report(measured).join("\n")}\n`);
} catch (error) {
  // Whoever ended it knows why.
  if (!interruption.aborted) throw error;
  process.exitCode = INTERRUPTED;
} finally {
  await step("Removing it again", () => slipway.destroy());
  await rm(callsFile, { force: true });
  progress.close();
}

async function throughput(): Promise<Pair[]> {
  const measured: Pair[] = [];
  if (pairs === 0) return measured;
  // The first of each pays for cold caches; it is not counted.
  await step("Warming up", async () => {
    await bringUpOurs(slipway, 1, 0);
    await bringUpPlain(docker, slipway, 1, parallel);
  });
  for (let round = 1; round <= pairs; round++) {
    const pair = { oursMs: 0, plainMs: 0 };
    const ours = async () => (pair.oursMs = await bringUpOurs(slipway, projects, round));
    const plain = async () => (pair.plainMs = await bringUpPlain(docker, slipway, projects, parallel));
    await step(`Pair ${round} of ${pairs}, ${projects} projects each`, async () => {
      for (const one of round % 2 === 1 ? [ours, plain] : [plain, ours]) await one();
    });
    progress.note(`Slipway ${ms(pair.oursMs)}, plain ${ms(pair.plainMs)}`);
    measured.push(pair);
  }
  return measured;
}

async function drift(): Promise<DriftRun[]> {
  if (drifts === 0) return [];
  return await step(`Killing a container ${drifts} times`, () => measureDrift(docker, slipway, drifts));
}

async function idleUse(): Promise<IdleUse | null> {
  if (idle === 0) return null;
  return await step(`${idle} idle projects`, () =>
    measureIdle(slipway, idle, Number(options.awake ?? idle), callsFile),
  );
}

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const going = progress.step(title);
  try {
    return await work();
  } finally {
    going.done();
  }
}

function report(measured: { pairs: Pair[]; drift: DriftRun[]; idle: IdleUse | null }): string[] {
  return [
    ...(measured.pairs.length > 0 ? throughputLines(measured.pairs) : []),
    ...(measured.drift.length > 0 ? driftLines(measured.drift) : []),
    ...(measured.idle ? idleLines(measured.idle) : []),
  ];
}

function throughputLines(measured: Pair[]): string[] {
  const ours = measured.map(({ oursMs }) => oursMs);
  const plain = measured.map(({ plainMs }) => plainMs);
  const ratios = measured.map(({ oursMs, plainMs }) => plainMs / oursMs);
  return [
    `${measured.length} pairs of ${projects} projects × ${CONTAINERS_EACH} containers, the script ${parallel} projects at once`,
    `  median      Slipway ${ms(median(ours))}   script ${ms(median(plain))}`,
    `  throughput  ${median(ratios).toFixed(2)} of the script's, quartiles ${quantile(ratios, 0.25).toFixed(2)} – ${quantile(ratios, 0.75).toFixed(2)}   (goal: at least 0.85)`,
  ];
}

function driftLines(measured: DriftRun[]): string[] {
  const mended = measured.map(({ mendedMs }) => mendedMs);
  const starts = measured.map(({ startMs }) => startMs);
  const extra = measured.map(({ mendedMs, startMs }) => mendedMs - startMs);
  const both = (values: number[]) => `p50 ${ms(quantile(values, 0.5))}   p95 ${ms(quantile(values, 0.95))}`;
  return [
    `${measured.length} containers killed behind the worker's back`,
    `  killed → serves again   ${both(mended)}`,
    `  plain start → serves    ${both(starts)}`,
    `  difference              ${both(extra)}   (goal: at most 2000 ms)`,
  ];
}

function idleLines({
  projects,
  awake,
  broughtUpMs,
  cpuMs,
  residentBytes,
  calls,
  restart,
}: IdleUse): string[] {
  const told = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([call, count]) => `    ${String(count).padStart(5)}  ${call}`);
  const sum = (counts: Record<string, number>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  return [
    `${projects} projects, ${awake} of them running, brought up in ${(broughtUpMs / 1000).toFixed(0)} s, over a minute in which nothing happens`,
    `  the worker  ${(cpuMs / 600).toFixed(1)} % of a CPU, ${(residentBytes / 1024 ** 2).toFixed(0)} MiB`,
    `  ${sum(calls)} calls to Docker (goal: none per container)`,
    ...told(calls),
    `  a new worker finds everything as it should be: ready after ${ms(restart.readyMs)}, quiet after ${ms(restart.quietMs)}, ${sum(restart.calls)} calls`,
    ...told(restart.calls),
  ];
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

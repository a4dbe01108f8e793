import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { gzipSync } from "node:zlib";
import { LABELS } from "../../core/labels.ts";
import { realClock } from "../../worker/clock.ts";
import { KnownFacts } from "../../worker/metrics/containerFacts.ts";
import type { Running } from "../../worker/metrics/runningContainers.ts";
import { Sampler } from "../../worker/metrics/sampler.ts";
import { seriesOf } from "../../worker/metrics/series.ts";
import { subjectOf } from "../../worker/metrics/subject.ts";
import { quantile } from "./quantiles.ts";

/**
 * What it costs to sample many idle containers: `npm run bench:metrics [containers]`, as root on Linux. Each stands for
 * a container: a process in cgroups of its own, which the kernel accounts like any other's. Prints the worker's CPU time.
 */

const LOOKS = 20;
/** Looks at everything in a minute (worker/metrics/metrics.ts). */
const LOOKS_A_MINUTE = 2;

const count = Number(process.argv[2] ?? 500);
const top = `slipway-bench-${process.pid}`;
const root = "/sys/fs/cgroup";
const hierarchies = existsSync(`${root}/cpuacct`)
  ? ["cpuacct", "memory", "blkio"].map((name) => `${root}/${name}`)
  : [root];

const children: ChildProcess[] = [];
const folders: string[] = [];
const pids = new Map<string, number>();

function make(folder: string): void {
  mkdirSync(folder);
  folders.unshift(folder);
}

async function begin(): Promise<Running[]> {
  for (const hierarchy of hierarchies) make(`${hierarchy}/${top}`);
  if (hierarchies.length === 1) writeFileSync(`${root}/${top}/cgroup.subtree_control`, "+cpu +memory +io");
  return Array.from({ length: count }, (_, index) => {
    const id = randomBytes(32).toString("hex");
    const child = spawn("sleep", ["3600"], { stdio: "ignore" });
    children.push(child);
    pids.set(id, child.pid!);
    for (const hierarchy of hierarchies) {
      make(`${hierarchy}/${top}/${id}`);
      writeFileSync(`${hierarchy}/${top}/${id}/cgroup.procs`, String(child.pid));
    }
    const labels = { [LABELS.project]: `p${index}`, [LABELS.environment]: "dev", [LABELS.service]: "app" };
    return { id, subject: subjectOf(labels)!, startedAt: null };
  });
}

async function end(): Promise<void> {
  const ended = children.map((child) => once(child, "exit"));
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(ended);
  for (const folder of folders) rmdirSync(folder);
}

async function measure(containers: readonly Running[]): Promise<void> {
  const onError = (id: string, error: unknown) => {
    throw new Error(`${id} could not be read`, { cause: error });
  };
  const configOf = async (id: string) => ({
    ...{ pid: pids.get(id)!, cpuLimit: 1, memoryLimitBytes: 1024 ** 3, volumes: [] },
  });
  const sampler = new Sampler({
    facts: new KnownFacts({ configOf, onError }),
    statsOf: async () => Promise.reject(new Error("its cgroup was not found")),
    ...{ onError, clock: realClock },
  });
  await sampler.look(containers);
  const cpuMs: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    const before = process.cpuUsage();
    const measured = await sampler.look(containers);
    const { user, system } = process.cpuUsage(before);
    if (measured.length !== count) throw new Error(`Of ${count} only ${measured.length} were measured.`);
    cpuMs.push((user + system) / 1000);
  }
  const before = process.cpuUsage();
  const json = JSON.stringify(seriesOf(sampler.takeUsed(), Date.now(), 60, () => null));
  const { user, system } = process.cpuUsage(before);
  const median = quantile(cpuMs, 0.5);
  const shown = (value: number) => value.toFixed(1);
  const least = shown(Math.min(...cpuMs));
  const most = shown(Math.max(...cpuMs));
  const ofACore = ((median * LOOKS_A_MINUTE + (user + system) / 1000) / 60_000) * 100;
  console.log(
    `${count} containers, ${LOOKS} looks: ${shown(median)} ms of CPU a look (${least}–${most}), ` +
      `${((median / count) * 1000).toFixed(0)} µs a container`,
  );
  console.log(
    `a minute's points: ${shown(json.length / 1024)} KiB (${shown(gzipSync(json).length / 1024)} gzipped)`,
  );
  console.log(`${ofACore.toFixed(2)} % of a core, at ${LOOKS_A_MINUTE} looks a minute`);
}

try {
  await measure(await begin());
} finally {
  await end();
}

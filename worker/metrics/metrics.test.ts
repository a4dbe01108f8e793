import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { MetricPoint } from "../../core/metrics.ts";
import type { EngineContainer, EngineListener } from "../engine/engine.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { Metrics, type MetricsEngine, type WatchedRow } from "./metrics.ts";
import type { EnvironmentSeries, Resolution } from "./series.ts";

/** A virtual clock, an engine of the test's own, and files as a kernel with cgroup v2 has them. */

const INSTANCE = "metrictt";
/** A whole minute. */
const START = 1_700_000_040_000;
const GIB = 1024 ** 3;

let root: string;
let clock: VirtualClock;
let metrics: Metrics;
let listener: EngineListener;
let watch: (rows: WatchedRow[]) => void;
let calls: string[];
let sent: { resolution: Resolution; environments: EnvironmentSeries[] }[];
let containers: EngineContainer[];
let pids: Map<string, number>;
let stats: (id: string) => Promise<unknown>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-metrics-"));
  clock = new VirtualClock(START);
  [calls, sent, containers, pids] = [[], [], [], new Map()];
  stats = async () => null;
});
afterEach(async () => {
  await metrics.stop();
  await rm(root, { recursive: true, force: true });
});

function start(): void {
  const engine: MetricsEngine = {
    listContainers: async () => {
      calls.push("list");
      return containers;
    },
    watch: (to) => {
      listener = to;
      to.onConnected();
      return { close() {} };
    },
    configOf: async (id) => {
      calls.push(`config ${id}`);
      return { pid: pids.get(id) ?? 0, cpuLimit: 2, memoryLimitBytes: GIB, volumes: ["v"] };
    },
    stats: async (id) => {
      calls.push(`stats ${id}`);
      return await stats(id);
    },
  };
  metrics = new Metrics({
    engine,
    store: {
      watchWatched: (onRows) => {
        watch = onRows;
        return () => {};
      },
      appendMetrics: async (resolution, environments) => void sent.push({ resolution, environments }),
    },
    diskBytesOf: (volumes) => (volumes.includes("v") ? 7 : null),
    instanceId: INSTANCE,
    clock,
    log: (event, fields) => calls.push(`${event} ${String(fields?.error)}`),
    roots: { proc: join(root, "proc"), cgroup: join(root, "cgroup") },
  });
}

const labels = (projectId: string, replica = 1): Record<string, string> => ({
  [LABELS.instance]: INSTANCE,
  [LABELS.project]: projectId,
  [LABELS.environment]: "dev",
  [LABELS.service]: "app",
  [LABELS.replica]: String(replica),
});

/** A container that runs, as the engine lists it and the kernel shows it. */
async function runs(id: string, of: Record<string, string>, cpuSeconds: number): Promise<void> {
  const found = { id, name: id, image: "i", labels: of, state: "running", health: "none", exitCode: null };
  containers.push({ ...found, networks: {} } as EngineContainer);
  const pid = 1_000 + pids.size;
  pids.set(id, pid);
  await mkdir(join(root, "proc", String(pid), "net"), { recursive: true });
  await mkdir(join(root, "cgroup", "docker", id), { recursive: true });
  await writeFile(join(root, "proc", String(pid), "cgroup"), `0::/docker/${id}\n`);
  await write(id, "cgroup.procs", `${pid}\n`);
  await used(id, cpuSeconds, 1_000);
}

async function write(id: string, file: string, text: string): Promise<void> {
  await writeFile(join(root, "cgroup", "docker", id, file), text);
}

async function used(id: string, cpuSeconds: number, memoryBytes: number): Promise<void> {
  await write(id, "cpu.stat", `usage_usec ${Math.round(cpuSeconds * 1e6)}\nuser_usec 0\n`);
  await write(id, "memory.current", `${memoryBytes}\n`);
  await write(id, "memory.stat", `anon ${memoryBytes}\ninactive_file 0\n`);
  const pid = pids.get(id)!;
  await writeFile(
    join(root, "proc", String(pid), "net", "dev"),
    `  eth0: ${memoryBytes} 0 0 0 0 0 0 0 0 0\n`,
  );
}

/** Lets time pass in steps of five seconds, and what waits for real files with it. */
async function pass(
  seconds: number,
  each: (second: number) => Promise<void> = async () => {},
): Promise<void> {
  for (let second = 5; second <= seconds; second += 5) {
    await each(second);
    const before = clock.now();
    await clock.advance(5_000);
    await metrics.settled();
    expect(clock.now()).toBe(before + 5_000);
  }
}

function pointsOf(resolution: Resolution, projectId: string): MetricPoint[] {
  return sent
    .filter((one) => one.resolution === resolution)
    .flatMap(({ environments }) => environments)
    .filter((environment) => environment.projectId === projectId)
    .flatMap(({ series }) => series.flatMap(({ points }) => points));
}

test("a project that nobody watches sends one point a minute: the mean of what it used", async () => {
  await runs("a", labels("p1"), 100);
  start();
  await pass(60);
  sent.length = 0;
  await pass(60, (second) => used("a", 100 + second / 2, second <= 30 ? 1_000 : 5_000));
  expect(sent).toEqual([
    {
      resolution: "minute",
      environments: [
        {
          projectId: "p1",
          kind: "dev",
          series: [
            {
              service: "app",
              replica: 1,
              cpuLimit: 2,
              memoryLimitBytes: GIB,
              points: [
                {
                  at: START + 120_000,
                  cpu: expect.closeTo(0.5, 9),
                  memoryBytes: expect.closeTo(3_000, 6),
                  rxBps: expect.closeTo(4_000 / 60, 6),
                  txBps: 0,
                  readBps: 0,
                  writeBps: 0,
                  diskBytes: 7,
                },
              ],
            },
          ],
        },
      ],
    },
  ]);
});

test("Docker is asked once for the list and once for each container, however long it runs", async () => {
  await runs("a", labels("p1"), 0);
  await runs("b", labels("p2"), 0);
  await runs("helper", { ...labels("p2"), [LABELS.role]: "fill" }, 0);
  start();
  await pass(300);
  expect(calls.sort()).toEqual(["config a", "config b", "list"]);
});

test("a project that is watched sends a point every five seconds until the watch is over", async () => {
  await runs("a", labels("p1"), 0);
  await runs("b", labels("p2"), 0);
  start();
  await pass(60);
  watch([{ projectId: "p1", until: clock.now() + 20_000 }]);
  await pass(60, (second) => used("a", second, 1_000));
  const fine = pointsOf("fine", "p1");
  expect(fine.map(({ at }) => at - START)).toEqual([65_000, 70_000, 75_000]);
  expect(fine[1]!.cpu).toBeCloseTo(1, 9);
  expect(pointsOf("fine", "p2")).toEqual([]);
  expect(pointsOf("minute", "p1").map(({ at }) => at - START)).toEqual([60_000, 120_000]);
  expect(pointsOf("minute", "p1")[1]!.cpu).toBeCloseTo(1, 9);
});

test("a container that starts counts from its start, and one that ended counts for as long as it ran", async () => {
  start();
  await pass(60);
  const event = { type: "container", name: "a", exitCode: null } as const;
  await runs("a", labels("p1"), 0);
  await pass(10);
  listener.onEvent({ ...event, action: "start", id: "a", labels: labels("p1") });
  await used("a", 4, 1_000);
  await pass(20);
  listener.onEvent({ ...event, action: "die", id: "a", labels: labels("p1") });
  await write("a", "cgroup.procs", "");
  await pass(90);
  const minutes = pointsOf("minute", "p1");
  expect(minutes.map(({ at }) => at - START)).toEqual([120_000]);
  expect(minutes[0]!.cpu).toBeCloseTo(4 / 20, 9);
});

test("what another container did in the same minute as the same replica is of the same point", async () => {
  await runs("old", labels("p1"), 0);
  start();
  await pass(60);
  watch([{ projectId: "p1", until: clock.now() + 600_000 }]);
  const event = { type: "container", name: "c", exitCode: null, labels: labels("p1") } as const;
  await pass(30, (second) => used("old", second, 1_000));
  listener.onEvent({ ...event, action: "die", id: "old" });
  await runs("new", labels("p1"), 0);
  await used("new", 0, 1_000);
  listener.onEvent({ ...event, action: "start", id: "new" });
  await pass(30, (second) => used("new", second, 1_000));
  const [, minute] = pointsOf("minute", "p1");
  expect(minute!.cpu).toBeCloseTo(1, 9);
  expect(minute!.memoryBytes).toBeCloseTo(1_000, 6);
});

test("a container that starts anew under its old id begins with nothing", async () => {
  await runs("a", labels("p1"), 500);
  start();
  await pass(60);
  const event = { type: "container", name: "a", exitCode: null, labels: labels("p1") } as const;
  listener.onEvent({ ...event, action: "die", id: "a" });
  await used("a", 0, 1_000);
  listener.onEvent({ ...event, action: "start", id: "a" });
  await pass(60, (second) => used("a", second * 2, 1_000));
  expect(pointsOf("minute", "p1").at(-1)!.cpu).toBeCloseTo(2, 9);
});

test("where the kernel's files are not this container's the engine is asked, a bounded number at a time", async () => {
  for (let index = 0; index < 40; index += 1) {
    await runs(`c${index}`, labels("p1", index + 1), 0);
    await writeFile(join(root, "proc", String(pids.get(`c${index}`)), "cgroup"), "0::/user.slice\n");
  }
  let atOnce = 0;
  let most = 0;
  stats = async () => {
    most = Math.max(most, (atOnce += 1));
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    const seconds = (clock.now() - START) / 1000;
    return {
      cpu_stats: { cpu_usage: { total_usage: 0.25e9 * seconds } },
      memory_stats: { usage: 300, stats: { inactive_file: 100 } },
      networks: { eth0: { rx_bytes: 10 * seconds, tx_bytes: 0 }, eth1: { rx_bytes: 0, tx_bytes: seconds } },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: "Read", value: 5 * seconds },
          { op: "write", value: 0 },
        ],
      },
    };
  };
  start();
  watch([{ projectId: "p1", until: clock.now() + 600_000 }]);
  await pass(60);
  expect(most).toBeLessThanOrEqual(4);
  expect(calls.filter((call) => call.startsWith("stats"))).toHaveLength(12 * 16);
  const replicas = new Set(
    sent.flatMap(({ environments }) =>
      environments.flatMap(({ series }) => series.map((one) => one.replica)),
    ),
  );
  expect(replicas.size).toBe(40);
  const [point] = pointsOf("fine", "p1");
  expect(point).toMatchObject({ memoryBytes: 200, writeBps: 0 });
  expect(point!.cpu).toBeCloseTo(0.25, 9);
  expect([point!.rxBps, point!.txBps, point!.readBps]).toEqual(
    [10, 1, 5].map((rate) => expect.closeTo(rate, 9)),
  );
});

test("an engine that answers nobody is asked no further in that look, and all go on when it is back", async () => {
  for (let index = 0; index < 10; index += 1) await runs(`c${index}`, labels("p1", index + 1), 0);
  for (const pid of pids.values()) await rm(join(root, "proc", String(pid)), { recursive: true });
  stats = async () => Promise.reject(new Error("deadline"));
  start();
  await pass(60);
  expect(sent).toEqual([]);
  const [asked, told] = ["stats", "metrics-not-read"].map(
    (what) => calls.filter((call) => call.startsWith(what)).length,
  );
  expect(asked).toBeLessThanOrEqual(3 * 4);
  expect(told).toBe(1);
  stats = async () => ({
    cpu_stats: { cpu_usage: { total_usage: clock.now() * 1e6 } },
    memory_stats: { usage: 1 },
  });
  await pass(120);
  expect(pointsOf("minute", "p1")).toHaveLength(2 * 10);
  expect(pointsOf("minute", "p1").at(-1)).toMatchObject({ cpu: expect.closeTo(1, 6) });
});

test("a clock that somebody sets back stops nothing", async () => {
  await runs("a", labels("p1"), 0);
  start();
  await pass(60);
  const now = clock.now.bind(clock);
  clock.now = () => now() - 3_600_000;
  await pass(180);
  expect(pointsOf("minute", "p1").length).toBeGreaterThanOrEqual(3);
});

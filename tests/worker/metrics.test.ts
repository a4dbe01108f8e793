import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { MetricSeries } from "../../core/metrics.ts";
import { pause, realClock } from "../../worker/clock.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { dockerMetrics } from "../../worker/metrics/dockerMetrics.ts";
import { Metrics, type WatchedRow } from "../../worker/metrics/metrics.ts";
import type { EnvironmentSeries, Resolution } from "../../worker/metrics/series.ts";

/** Real containers that do a known amount of work, and what the worker measures of it. */

const INSTANCE = "wkmetric";
const IMAGE = "slipway/tools:1";
const MEBIBYTE = 1024 ** 2;
const WITHIN_MS = 100_000;
const [WATCHED, OTHER] = ["p-watched", "p-other"];
const CPUS = 0.4;
const HELD = 64 * MEBIBYTE;
/** By which the sender is slowed down. */
const BYTES_A_SECOND = 2 * MEBIBYTE;

const docker = new Docker();
const sent: { resolution: Resolution; environments: EnvironmentSeries[] }[] = [];
const calls: string[] = [];
const failures: unknown[] = [];
let metrics: Metrics;

beforeAll(async () => {
  await removeAll();
  await docker.createNetwork({ Name: `${INSTANCE}-net`, Labels: { [LABELS.instance]: INSTANCE } });
  await Promise.all([
    run(WATCHED, "burner", "while :; do :; done", { NanoCpus: CPUS * 1e9 }),
    // What is written to a tmpfs is memory of the container's.
    run(WATCHED, "holder", `head -c ${HELD} /dev/zero >/held/it; exec sleep 3600`, {
      Tmpfs: { "/held": `size=${2 * HELD}` },
      Memory: 256 * MEBIBYTE,
    }),
    // With an input that ends nc would end the connection.
    run(WATCHED, "taker", "tail -f /dev/null | nc -l -p 4000 >/dev/null"),
    run(OTHER, "idle", "exec sleep 3600"),
  ]);
  const piece = `head -c ${BYTES_A_SECOND} /dev/zero; sleep 1`;
  await run(WATCHED, "sender", `while :; do (while :; do ${piece}; done) | nc taker 4000; sleep 1; done`);
  start();
});
afterAll(async () => {
  await metrics?.stop();
  await removeAll();
});

async function run(project: string, service: string, script: string, host: object = {}): Promise<void> {
  const container = await docker.createContainer({
    name: `${INSTANCE}-${service}`,
    Image: IMAGE,
    Entrypoint: ["busybox", "sh", "-c", script],
    Cmd: [],
    Labels: {
      [LABELS.instance]: INSTANCE,
      [LABELS.project]: project,
      [LABELS.environment]: "dev",
      [LABELS.service]: service,
      [LABELS.replica]: "1",
    },
    HostConfig: { NetworkMode: `${INSTANCE}-net`, Init: true, ...host },
    NetworkingConfig: { EndpointsConfig: { [`${INSTANCE}-net`]: { Aliases: [service] } } },
  });
  await container.start();
}

async function removeAll(): Promise<void> {
  const filters = { label: [`${LABELS.instance}=${INSTANCE}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true })));
  for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
}

function start(): void {
  const real = dockerMetrics(docker, new DockerEngine(docker));
  const counted = <A extends unknown[], R>(name: string, call: (...args: A) => R) => {
    return (...args: A): R => {
      calls.push(name);
      return call(...args);
    };
  };
  metrics = new Metrics({
    engine: {
      watch: (listener) => real.watch(listener),
      listContainers: counted("list", (owned) => real.listContainers(owned)),
      configOf: counted("config", (id) => real.configOf(id)),
      stats: counted("stats", (id) => real.stats(id)),
    },
    store: {
      watchWatched: (onRows: (rows: WatchedRow[]) => void) => {
        onRows([{ projectId: WATCHED, until: realClock.now() + 600_000 }]);
        return () => {};
      },
      appendMetrics: async (resolution, environments) => void sent.push({ resolution, environments }),
    },
    diskBytesOf: () => null,
    instanceId: INSTANCE,
    clock: realClock,
    log: (_event, fields) => failures.push(fields),
  });
}

function of(project: string, resolution: Resolution, service: string): MetricSeries[] {
  return sent
    .filter((one) => one.resolution === resolution)
    .flatMap(({ environments }) => environments)
    .filter(({ projectId }) => projectId === project)
    .flatMap(({ series }) => series)
    .filter((series) => series.service === service);
}

async function eventually<T>(what: string, find: () => T | undefined): Promise<T> {
  const until = Date.now() + WITHIN_MS;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (Date.now() > until) throw new Error(`Not within ${WITHIN_MS} ms: ${what}`);
    await pause(realClock, 50);
  }
}

/** The first fine point of a service after `skip` of them. */
async function fine(service: string, skip = 1) {
  const series = await eventually(`points of ${service}`, () => of(WATCHED, "fine", service)[skip]);
  return { ...series, point: series.points[0]! };
}

test("a container that burns all it may shows its limit", async () => {
  const { cpuLimit, memoryLimitBytes, point } = await fine("burner");
  expect([cpuLimit, memoryLimitBytes]).toEqual([CPUS, null]);
  expect(point.cpu).toBeGreaterThan(CPUS * 0.5);
  expect(point.cpu).toBeLessThan(CPUS * 1.1);
  expect(point.at % 5_000).toBe(0);
});

test("memory that a container holds shows, beside how much it may hold", async () => {
  const { memoryLimitBytes, point } = await fine("holder");
  expect(memoryLimitBytes).toBe(256 * MEBIBYTE);
  expect(point.memoryBytes).toBeGreaterThan(HELD);
  expect(point.memoryBytes).toBeLessThan(HELD * 1.3);
  expect((await fine("burner")).point.memoryBytes).toBeLessThan(HELD / 4);
});

test("what goes over the network shows on both sides", async () => {
  const sender = await eventually("bytes that are sent", () =>
    of(WATCHED, "fine", "sender").find(({ points }) => points[0]!.txBps > BYTES_A_SECOND / 4),
  );
  const { at, txBps } = sender.points[0]!;
  expect(txBps).toBeLessThan(BYTES_A_SECOND * 1.5);
  const taker = of(WATCHED, "fine", "taker").find(({ points }) => points[0]!.at === at)!;
  expect(taker.points[0]!.rxBps).toBeGreaterThan(txBps * 0.8);
  expect(taker.points[0]!.rxBps).toBeLessThan(txBps * 1.2);
});

test("a project that nobody watches sends one point a minute and no more", async () => {
  const [minute] = await eventually("a minute", () => of(OTHER, "minute", "idle").slice(0, 1)[0]?.points);
  expect(minute!.at % 60_000).toBe(0);
  expect(minute!.cpu).toBeLessThan(0.05);
  expect(of(OTHER, "fine", "idle")).toEqual([]);
  const burner = await eventually("the other's minute", () => of(WATCHED, "minute", "burner")[0]);
  expect(burner.points[0]!.cpu).toBeGreaterThan(CPUS * 0.5);
  // However often they are looked at, Docker was asked for the list, and of each container once.
  expect([...calls].sort()).toEqual(["config", "config", "config", "config", "config", "list"]);
  expect(failures).toEqual([]);
});

test("the engine's own word, where the kernel's files cannot be read, says the same", async () => {
  const points: EnvironmentSeries[] = [];
  const asked = new Metrics({
    engine: dockerMetrics(docker, new DockerEngine(docker)),
    store: {
      watchWatched: (onRows: (rows: WatchedRow[]) => void) => {
        onRows([{ projectId: WATCHED, until: realClock.now() + 600_000 }]);
        return () => {};
      },
      appendMetrics: async (_resolution, environments) => void points.push(...environments),
    },
    diskBytesOf: () => null,
    instanceId: INSTANCE,
    clock: realClock,
    log: (_event, fields) => failures.push(fields),
    roots: { proc: "/nowhere", cgroup: "/nowhere" },
  });
  try {
    const find = (service: string) =>
      points.flatMap(({ series }) => series).find((series) => series.service === service);
    const { cpu } = (await eventually("the burner", () => find("burner"))).points[0]!;
    expect(cpu).toBeGreaterThan(CPUS * 0.5);
    expect(cpu).toBeLessThan(CPUS * 1.1);
    const { memoryBytes } = (await eventually("the holder", () => find("holder"))).points[0]!;
    expect(memoryBytes).toBeGreaterThan(HELD);
    expect(memoryBytes).toBeLessThan(HELD * 1.3);
  } finally {
    await asked.stop();
  }
});

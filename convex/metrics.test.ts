import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RESOLUTION } from "../core/metrics.ts";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN, WORKER, type Driver } from "../tests/controlPlane/driver.ts";
import { metricPoint, metricSeries, minutes } from "../tests/controlPlane/metrics.ts";
import { createProject, move, obey, registerHost, type HostLease } from "../tests/controlPlane/world.ts";
import { api } from "./_generated/api.js";

/** What becomes of metrics over days. */

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

async function world() {
  const t = openConvexTest();
  const driver = driverOf(t);
  const lease = await registerHost(driver);
  const projects: string[] = [];
  for (const name of ["shop", "blog"]) {
    projects.push((await createProject(driver, name)).projectId);
    await move(driver, name, "planning", "development");
  }
  await obey(driver, lease);
  const chunks = async (projectId: string) =>
    await t.run(async (ctx) =>
      (await ctx.db.query("metricChunks").collect()).filter((chunk) => chunk.projectId === projectId),
    );
  return { t, driver, lease, projects, chunks };
}

async function append(
  driver: Driver,
  lease: HostLease,
  projectId: string,
  count: number,
  everyMs = MINUTE_MS,
) {
  const { hostId, epoch } = lease;
  const series = [metricSeries(minutes(count, Date.now(), everyMs))];
  const environments = [{ projectId, kind: "dev" as const, series }];
  await driver
    .as(WORKER)
    .mutation(api.worker.appendMetrics, { hostId, epoch, resolution: "minute", environments });
}

/** As time goes on, what a worker sends of each stretch of it. */
async function passing(wholeMs: number, stepMs: number, work: () => Promise<void>) {
  for (let passed = 0; passed < wholeMs; passed += stepMs) {
    vi.setSystemTime(Date.now() + stepMs);
    await work();
  }
}

const history = async (driver: Driver, range: "24h" | "14d", project = "shop") => {
  const asked = { project, environment: "dev" as const, range };
  const { series } = await driver.as(ADMIN).query(api.metrics.history, asked);
  return series[0]?.points ?? [];
};

test("minutes are kept for a day and quarters of an hour for a fortnight, whatever the time that passes", async () => {
  const { driver, lease, projects, chunks } = await world();
  // A point every 10 minutes is enough to fill each of the chunks.
  await passing(17 * DAY_MS, 4 * HOUR_MS, () => append(driver, lease, projects[0]!, 24, 10 * MINUTE_MS));
  const kept = await chunks(projects[0]!);
  const of = (resolution: string) => kept.filter((chunk) => chunk.resolution === resolution).length;
  // A day and the hour that is not over, and what came since the last time anything was let go; likewise of days.
  expect(of("minute")).toBeGreaterThanOrEqual(24);
  expect(of("minute")).toBeLessThanOrEqual(24 + 5);
  expect(of("quarter")).toBeGreaterThanOrEqual(14);
  expect(of("quarter")).toBeLessThanOrEqual(14 + 2);
  const day = await history(driver, "24h");
  expect(day).toHaveLength(24 * 6);
  const fortnight = await history(driver, "14d");
  expect(fortnight.length).toBeGreaterThanOrEqual(14 * 24 * 4 - 1);
  const gaps = new Set(fortnight.slice(1).map(({ at }, index) => at - fortnight[index]!.at));
  expect([...gaps]).toEqual([RESOLUTION.quarter.everyMs]);
}, 60_000);

test("what is no longer sampled is averaged and goes too, as long as its host samples anything", async () => {
  const { driver, lease, projects, chunks } = await world();
  const [stopped, goesOn] = projects as [string, string];
  await append(driver, lease, stopped, 20);
  const before = await history(driver, "14d");
  expect(before.length).toBeGreaterThan(0);
  await passing(26 * HOUR_MS, HOUR_MS, () => append(driver, lease, goesOn, 1));
  expect(new Set((await chunks(stopped)).map(({ resolution }) => resolution))).toEqual(new Set(["quarter"]));
  expect(await history(driver, "14d")).toEqual(before);
  await passing(15 * DAY_MS, 12 * HOUR_MS, () => append(driver, lease, goesOn, 1));
  expect(await chunks(stopped)).toEqual([]);
}, 60_000);

test("fine points are kept for ten minutes, and nobody looks any more 90 s after the last look", async () => {
  const { t, driver, lease, projects, chunks } = await world();
  const { hostId, epoch } = lease;
  const watched = () => driver.as(WORKER).query(api.worker.watched, { hostId });
  const look = () => driver.as(ADMIN).mutation(api.metrics.watch, { project: "shop" });
  const pass = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    await t.finishInProgressScheduledFunctions();
  };
  await look();
  for (let at = 0; at < 30 * MINUTE_MS; at += 45_000) {
    await pass(45_000);
    await look();
    expect(await watched()).toHaveLength(1);
    const points = Array.from({ length: 9 }, (_, index) => metricPoint(Date.now() - (8 - index) * 5000));
    const environments = [{ projectId: projects[0]!, kind: "dev" as const, series: [metricSeries(points)] }];
    await driver
      .as(WORKER)
      .mutation(api.worker.appendMetrics, { hostId, epoch, resolution: "fine", environments });
  }
  const kept = await chunks(projects[0]!);
  expect(kept.length).toBeLessThanOrEqual(7);
  const points = kept.reduce((sum, chunk) => sum + chunk.series[0]!.at.length, 0);
  expect(points).toBeGreaterThanOrEqual(120);
  await pass(89_000);
  expect(await watched()).toHaveLength(1);
  await pass(2_000);
  expect(await watched()).toEqual([]);
}, 60_000);

test("a host's clock that goes back, or points too old to keep, double and remove nothing", async () => {
  const { driver, lease, projects } = await world();
  await append(driver, lease, projects[0]!, 90);
  const before = await history(driver, "24h");
  vi.setSystemTime(Date.now() - 2 * HOUR_MS);
  await append(driver, lease, projects[0]!, 30);
  vi.setSystemTime(Date.now() + 2 * HOUR_MS);
  expect(await history(driver, "24h")).toEqual(before);
});

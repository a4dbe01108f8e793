import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { MetricPoint, MetricRange, MetricSeries } from "../../core/metrics.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, obey, registerHost, type HostLease } from "./world.ts";

const MINUTE_MS = 60_000;

export function metricPoint(at: number, fields: Partial<MetricPoint> = {}): MetricPoint {
  const some = { cpu: 0.5, memoryBytes: 1000, rxBps: 1, txBps: 2, readBps: 3, writeBps: 4, diskBytes: null };
  return { at, ...some, ...fields };
}

export function metricSeries(points: MetricPoint[], fields: Partial<MetricSeries> = {}): MetricSeries {
  return { service: "app", replica: 1, cpuLimit: 2, memoryLimitBytes: 2e9, points, ...fields };
}

/** A point a minute, or as far apart as `everyMs` says, oldest first, the last of them `lastAt`. */
export function minutes(count: number, lastAt: number, everyMs = MINUTE_MS): MetricPoint[] {
  return Array.from({ length: count }, (_, index) => metricPoint(lastAt - (count - 1 - index) * everyMs));
}

/** What containers used over time. */
export function metricSuite(it: SuiteTest): void {
  async function running(driver: Driver) {
    const lease = await registerHost(driver);
    const { projectId } = await createProject(driver, "shop");
    await move(driver, "shop", "planning", "development");
    await obey(driver, lease);
    return { lease, projectId };
  }
  const append = (
    driver: Driver,
    { hostId, epoch }: HostLease,
    projectId: string,
    series: MetricSeries[],
    resolution: "fine" | "minute" = "minute",
  ) => {
    const environments = [{ projectId, kind: "dev" as const, series }];
    return driver.as(WORKER).mutation(api.worker.appendMetrics, { hostId, epoch, resolution, environments });
  };
  const history = async (driver: Driver, range: MetricRange, project = "shop") => {
    const asked = { project, environment: "dev" as const, range };
    return (await driver.as(VIEWER).query(api.metrics.history, asked)).series;
  };
  const watch = (driver: Driver) => driver.as(VIEWER).mutation(api.metrics.watch, { project: "shop" });

  describe("metrics", () => {
    it("are there by service and replica, with the newest limits", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const now = Date.now();
      expect(await history(driver, "1h")).toEqual([]);
      await append(driver, lease, projectId, [
        metricSeries([metricPoint(now - MINUTE_MS)]),
        metricSeries([metricPoint(now - MINUTE_MS)], { service: "postgres", cpuLimit: null }),
      ]);
      await append(driver, lease, projectId, [
        metricSeries([metricPoint(now, { cpu: 0.123456, diskBytes: 77.4 })], { cpuLimit: 4 }),
      ]);
      expect(await history(driver, "1h")).toEqual([
        metricSeries([metricPoint(now - MINUTE_MS), metricPoint(now, { cpu: 0.1235, diskBytes: 77 })], {
          cpuLimit: 4,
        }),
        metricSeries([metricPoint(now - MINUTE_MS)], { service: "postgres", cpuLimit: null }),
      ]);
    });

    it("may be sent again, and come late, without doubling or going back", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const points = minutes(5, Date.now());
      await append(driver, lease, projectId, [metricSeries(points.slice(0, 3))]);
      await append(driver, lease, projectId, [metricSeries(points)]);
      await append(driver, lease, projectId, [metricSeries(points.slice(1, 2))]);
      expect(await history(driver, "1h")).toEqual([metricSeries(points)]);
    });

    it("are averaged as an hour is over, so that each range has what it needs", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      // Of so many hours at least three are over, wherever the hour begins.
      const points = minutes(240, Date.now());
      for (const part of [points.slice(0, 120), points.slice(120)]) {
        await append(driver, lease, projectId, [metricSeries(part)]);
      }
      expect((await history(driver, "1h"))[0]!.points).toEqual(points.slice(-60));
      expect((await history(driver, "6h"))[0]!.points).toEqual(points);
      for (const [range, everyMs] of [
        ["24h", 5 * MINUTE_MS],
        ["14d", 15 * MINUTE_MS],
      ] as const) {
        const [series] = await history(driver, range);
        const ends = series!.points.map(({ at }) => at);
        expect(ends[0]! - points[0]!.at).toBeLessThan(everyMs);
        expect(ends.at(-1)! - points.at(-1)!.at).toBeLessThan(everyMs);
        expect(ends.slice(1).every((at, index) => at - ends[index]! === everyMs)).toBe(true);
        expect(series!.points.every((point) => point.cpu === 0.5 && point.memoryBytes === 1000)).toBe(true);
      }
    });

    it("are fine while somebody looks, after the minutes before", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const now = Date.now();
      const fine = [metricPoint(now - 5000, { cpu: 1 }), metricPoint(now, { cpu: 1 })];
      await append(driver, lease, projectId, [metricSeries(fine)], "fine");
      expect(await history(driver, "10m")).toEqual([]);
      const watched = () => driver.as(WORKER).query(api.worker.watched, { hostId: lease.hostId });
      expect(await watched()).toEqual([]);
      await watch(driver);
      const [row] = await watched();
      expect(row!.projectId).toBe(projectId);
      expect(row!.until - now).toBeGreaterThanOrEqual(90_000);
      await append(driver, lease, projectId, [metricSeries(fine)], "fine");
      const before = minutes(12, now - 3 * MINUTE_MS);
      await append(driver, lease, projectId, [metricSeries(before)]);
      const points = (await history(driver, "10m"))[0]!.points;
      expect(points).toEqual([...before.filter(({ at }) => at > now - 10 * MINUTE_MS), ...fine]);
    });

    it("are of projects that live on the worker's host", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const elsewhere = await registerHost(driver, { name: "host-2" });
      const points = [metricPoint(Date.now())];
      await append(driver, elsewhere, projectId, [metricSeries(points)]);
      await append(driver, lease, "nosuch", [metricSeries(points)]);
      expect(await history(driver, "1h")).toEqual([]);
      await watch(driver);
      expect(await driver.as(WORKER).query(api.worker.watched, { hostId: elsewhere.hostId })).toEqual([]);
    });

    it("are refused in too large pieces, and with a clock that is ahead", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const now = Date.now();
      const many = Array.from({ length: 1001 }, (_, replica) => metricSeries([], { replica }));
      await expectRefused(append(driver, lease, projectId, many), "too_much");
      await expectRefused(append(driver, lease, projectId, [metricSeries(minutes(121, now))]), "too_much");
      const ahead = append(driver, lease, projectId, [metricSeries([metricPoint(now + 900_000)])]);
      expect((await expectRefused(ahead, "bad_request")).message).toContain("ahead");
    });

    it("are shown to those who may see the project, and to nobody else", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      const other = await createProject(driver, "other");
      await append(driver, lease, projectId, [metricSeries([metricPoint(Date.now())])]);
      const stranger = driver.as(agentOf(other.projectId, "read"));
      const asked = { project: projectId, environment: "dev" as const, range: "1h" as const };
      await expectRefused(stranger.query(api.metrics.history, asked), "not_found");
      await expectRefused(stranger.mutation(api.metrics.watch, { project: projectId }), "not_found");
      const own = driver.as(agentOf(projectId, "read"));
      expect((await own.query(api.metrics.history, asked)).series).toHaveLength(1);
      const without = driver.as(agentOf(projectId, "report"));
      await expectRefused(without.query(api.metrics.history, asked), "forbidden");
      expect(await driver.as(WORKER).query(api.worker.watched, { hostId: lease.hostId })).toEqual([]);
    });

    it("go with their project", async ({ driver }) => {
      const { lease, projectId } = await running(driver);
      await watch(driver);
      await append(driver, lease, projectId, [metricSeries(minutes(90, Date.now()))]);
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      await obey(driver, lease);
      // What comes after is let go.
      await append(driver, lease, projectId, [metricSeries([metricPoint(Date.now())])]);
      await createProject(driver, "shop");
      for (const range of ["10m", "1h", "14d"] as const) expect(await history(driver, range)).toEqual([]);
      expect(await driver.as(WORKER).query(api.worker.watched, { hostId: lease.hostId })).toEqual([]);
    });
  });
}

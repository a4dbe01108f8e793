import { expect, test } from "vitest";
import type { MetricPoint, MetricSeries } from "../../../../core/metrics.ts";
import { aligned, limitsOf, newestAt, seriesNames, summaryOf } from "./shape.ts";

const point = (at: number, cpu: number, diskBytes: number | null = null): MetricPoint => ({
  at,
  cpu,
  memoryBytes: cpu * 100,
  rxBps: 0,
  txBps: 0,
  readBps: 0,
  writeBps: 0,
  diskBytes,
});
const series = (service: string, replica: number, points: MetricPoint[]): MetricSeries => ({
  service,
  replica,
  cpuLimit: 2,
  memoryLimitBytes: null,
  points,
});

test("series with points at different times share one axis, and their lines go on", () => {
  const { times, columns } = aligned(
    [series("a", 1, [point(1000, 1), point(3000, 3)]), series("b", 1, [point(2000, 2)])],
    "cpu",
    1000,
  );
  expect(times).toEqual([1, 2, 3]);
  expect(columns).toEqual([
    [1, undefined, 3],
    [undefined, 2, undefined],
  ]);
});

test("a stretch without points is a gap, in that series alone", () => {
  const { times, columns } = aligned(
    [
      series("a", 1, [point(1000, 1), point(9000, 2)]),
      series(
        "b",
        1,
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map((second) => point(second * 1000, 5)),
      ),
    ],
    "cpu",
    1000,
  );
  expect(times).toHaveLength(9);
  expect(columns[0]!.filter((value) => value === null)).toHaveLength(1);
  expect(columns[0]![1]).toBeNull();
  expect(columns[1]).not.toContain(null);
});

test("one late point is no gap", () => {
  expect(aligned([series("a", 1, [point(1000, 1), point(3400, 2)])], "cpu", 1000).columns).toEqual([[1, 2]]);
});

test("what nobody measured is a gap and no zero", () => {
  const one = series("a", 1, [point(1000, 1, 7), point(2000, 1, null)]);
  expect(aligned([one], "diskBytes", 1000).columns).toEqual([[7, null]]);
  expect(summaryOf(one.points, "diskBytes")).toEqual({ latest: null, mean: 7, max: 7 });
});

test("a summary is of the points there are", () => {
  expect(summaryOf([point(1, 1), point(2, 4), point(3, 1)], "cpu")).toEqual({ latest: 1, mean: 2, max: 4 });
  expect(summaryOf([], "cpu")).toEqual({ latest: null, mean: null, max: null });
});

test("replicas are told apart by their numbers, lone ones need none", () => {
  expect(seriesNames([series("api", 1, []), series("api", 2, []), series("web", 1, [])])).toEqual([
    "api 1",
    "api 2",
    "web",
  ]);
});

test("equal limits are one line", () => {
  expect(limitsOf([series("a", 1, []), series("b", 1, [])], "cpu")).toEqual([2]);
  expect(limitsOf([series("a", 1, [])], "memoryBytes")).toEqual([]);
  expect(limitsOf([series("a", 1, [])], "rxBps")).toEqual([]);
});

test("the newest point of all ends the axis", () => {
  expect(newestAt([series("a", 1, [point(5, 1)]), series("b", 1, [point(9, 1)])])).toBe(9);
  expect(newestAt([series("a", 1, [])])).toBeNull();
});

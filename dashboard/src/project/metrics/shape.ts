import {
  RESOLUTION,
  type MetricPoint,
  type MetricRange,
  type MetricSeries,
} from "../../../../core/metrics.ts";

/** Series as charts draw them, and as people read them. */

export type MetricField = Exclude<keyof MetricPoint, "at">;

/** How far each range reaches back, and how far apart its points are at most. */
export const RANGES: Record<MetricRange, { spanMs: number; everyMs: number; words: string }> = {
  "10m": { spanMs: 600_000, everyMs: RESOLUTION.minute.everyMs, words: "10 minutes" },
  "1h": { spanMs: 3_600_000, everyMs: RESOLUTION.minute.everyMs, words: "hour" },
  "6h": { spanMs: 21_600_000, everyMs: RESOLUTION.minute.everyMs, words: "6 hours" },
  "24h": { spanMs: 86_400_000, everyMs: 300_000, words: "24 hours" },
  "14d": { spanMs: 1_209_600_000, everyMs: RESOLUTION.quarter.everyMs, words: "14 days" },
};

/** So many intervals without a point are a gap: one point may come late. */
const GAP_INTERVALS = 2.5;

/** Seconds since 1970, and for each series its values there: null is a gap, undefined no point (the line goes on). */
export type Aligned = { times: number[]; columns: (number | null | undefined)[][] };

/** `series` on one axis of time. Where a series has had no point for too long, its line is broken. */
export function aligned(series: readonly MetricSeries[], field: MetricField, everyMs: number): Aligned {
  const values = series.map(({ points }) => withGaps(points, field, everyMs));
  const times = [...new Set(values.flatMap((one) => [...one.keys()]))].sort((one, other) => one - other);
  return {
    times: times.map((at) => at / 1000),
    columns: values.map((one) => times.map((at) => one.get(at))),
  };
}

function withGaps(points: readonly MetricPoint[], field: MetricField, everyMs: number) {
  const values = new Map<number, number | null>();
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && point.at - before.at > everyMs * GAP_INTERVALS) values.set(before.at + everyMs, null);
    values.set(point.at, point[field]);
  });
  return values;
}

export type Summary = { latest: number | null; mean: number | null; max: number | null };

/** What a series was at last, on average and at most; null where nobody measured it. */
export function summaryOf(points: readonly MetricPoint[], field: MetricField): Summary {
  const known = points.map((point) => point[field]).filter((value) => value !== null);
  if (known.length === 0) return { latest: null, mean: null, max: null };
  return {
    latest: points.at(-1)?.[field] ?? null,
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
    max: known.reduce((most, value) => Math.max(most, value), 0),
  };
}

/** `api 2`; without a number where a service has one replica alone. */
export function seriesNames(series: readonly MetricSeries[]): string[] {
  const replicas = new Map<string, number>();
  for (const { service } of series) replicas.set(service, (replicas.get(service) ?? 0) + 1);
  return series.map(({ service, replica }) =>
    replicas.get(service) === 1 ? service : `${service} ${replica}`,
  );
}

/** The limits that lines are drawn for: each value once, the least first. */
export function limitsOf(series: readonly MetricSeries[], field: MetricField): number[] {
  const limits = series.map(({ cpuLimit, memoryLimitBytes }) =>
    field === "cpu" ? cpuLimit : field === "memoryBytes" ? memoryLimitBytes : null,
  );
  return [...new Set(limits.filter((limit) => limit !== null))].sort((one, other) => one - other);
}

/** When the newest point of all was, in ms since 1970; null without any. */
export function newestAt(series: readonly MetricSeries[]): number | null {
  const newest = series.flatMap(({ points }) => points.at(-1)?.at ?? []);
  return newest.length === 0 ? null : Math.max(...newest);
}

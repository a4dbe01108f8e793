import type { EnvironmentKind } from "../../core/lifecycle.ts";
import {
  averaged,
  RESOLUTION,
  type MetricRange,
  type MetricResolution,
  type MetricSeries,
} from "../../core/metrics.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { newestChunks, quartersOf } from "./metricChunks.ts";
import { pointsOf } from "./metricColumns.ts";

/** What is kept of an environment's metrics, as the dashboard draws it. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const SPAN_MS: Record<MetricRange, number> = {
  "10m": 10 * MINUTE_MS,
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "24h": 24 * HOUR_MS,
  "14d": 14 * 24 * HOUR_MS,
};

/** Points of a day are drawn closer than a screen has pixels, and sent anew with each minute: so they are averaged. */
const DAY_EVERY_MS = 5 * MINUTE_MS;

/**
 * The series of the last stretch of time. A query has no clock, so the stretch ends with the newest point there is: of an
 * environment that stopped, it is the last one before that.
 */
export async function metricHistory(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  kind: EnvironmentKind,
  range: MetricRange,
): Promise<MetricSeries[]> {
  const chunks = async (resolution: MetricResolution, spanMs: number) => {
    // One more than the stretch is long, as it seldom begins where a chunk does.
    const count = Math.ceil(spanMs / RESOLUTION[resolution].chunkMs) + 1;
    return (await newestChunks(ctx, { projectId, kind, resolution }, count)).reverse();
  };
  const spanMs = SPAN_MS[range];
  switch (range) {
    case "10m": {
      const minutes = (await chunks("minute", spanMs)).flatMap(seriesOf);
      return within(spanMs, joined((await chunks("fine", spanMs)).flatMap(seriesOf), minutes));
    }
    case "1h":
    case "6h":
      return within(spanMs, joined((await chunks("minute", spanMs)).flatMap(seriesOf)));
    case "24h":
      return within(spanMs, joined((await chunks("minute", spanMs)).flatMap(seriesOf))).map((one) => ({
        ...one,
        points: averaged(one.points, DAY_EVERY_MS, 0),
      }));
    case "14d": {
      // The newest hour has not been averaged yet.
      const open = (await newestChunks(ctx, { projectId, kind, resolution: "minute" }, 1)).flatMap(
        quartersOf,
      );
      return within(spanMs, joined([...(await chunks("quarter", spanMs)).flatMap(seriesOf), ...open]));
    }
  }
}

function seriesOf(chunk: Doc<"metricChunks">): MetricSeries[] {
  return chunk.series.map((columns) => ({
    service: columns.service,
    replica: columns.replica,
    cpuLimit: columns.cpuLimit,
    memoryLimitBytes: columns.memoryLimitBytes,
    points: pointsOf(columns),
  }));
}

/**
 * One series for each replica out of pieces, oldest first; limits are those of the newest.
 * @param coarse what stands in for the time before the first of the finer points
 */
function joined(pieces: readonly MetricSeries[], coarse: readonly MetricSeries[] = []): MetricSeries[] {
  const series = new Map<string, MetricSeries>();
  for (const piece of pieces) addPiece(series, piece);
  const before = new Map<string, MetricSeries>();
  for (const piece of coarse) {
    const first = series.get(keyOf(piece))?.points[0]?.at ?? Infinity;
    addPiece(before, { ...piece, points: piece.points.filter(({ at }) => at < first) });
  }
  for (const [key, piece] of before) {
    const finer = series.get(key);
    series.set(key, finer ? { ...finer, points: [...piece.points, ...finer.points] } : piece);
  }
  return [...series.values()].sort(
    (one, other) =>
      (one.service < other.service ? -1 : one.service > other.service ? 1 : 0) || one.replica - other.replica,
  );
}

function addPiece(series: Map<string, MetricSeries>, piece: MetricSeries): void {
  const known = series.get(keyOf(piece));
  series.set(keyOf(piece), known ? { ...piece, points: [...known.points, ...piece.points] } : piece);
}

function keyOf({ service, replica }: MetricSeries): string {
  return `${service} ${replica}`;
}

function within(spanMs: number, series: MetricSeries[]): MetricSeries[] {
  const newest = Math.max(...series.map(({ points }) => points.at(-1)?.at ?? -Infinity));
  return series
    .map((one) => ({ ...one, points: one.points.filter(({ at }) => at > newest - spanMs) }))
    .filter(({ points }) => points.length > 0);
}

/**
 * What containers use over time: points of one service's replica, at three resolutions. Workers sample them, `convex/`
 * keeps them in chunks and averages them down, the dashboard draws them.
 */

/** Averages over the interval that ends at `at`, in ms since 1970. Rates are per second. */
export type MetricPoint = {
  at: number;
  /** In cores. */
  cpu: number;
  memoryBytes: number;
  rxBps: number;
  txBps: number;
  readBps: number;
  writeBps: number;
  /** What its writable layer and its volumes hold; null where nobody measured it. */
  diskBytes: number | null;
};

export type MetricSeries = {
  service: string;
  replica: number;
  /** In cores; null: none. */
  cpuLimit: number | null;
  memoryLimitBytes: number | null;
  points: MetricPoint[];
};

export const METRIC_RANGES = ["10m", "1h", "6h", "24h", "14d"] as const;
export type MetricRange = (typeof METRIC_RANGES)[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const METRIC_RESOLUTIONS = ["fine", "minute", "quarter"] as const;
export type MetricResolution = (typeof METRIC_RESOLUTIONS)[number];

/** Of each resolution: how far points are apart, how much of time is one chunk, and how long a chunk is kept. */
export const RESOLUTION: Record<MetricResolution, { everyMs: number; chunkMs: number; keptMs: number }> = {
  fine: { everyMs: 5_000, chunkMs: 2 * MINUTE_MS, keptMs: 10 * MINUTE_MS },
  minute: { everyMs: MINUTE_MS, chunkMs: HOUR_MS, keptMs: DAY_MS },
  quarter: { everyMs: 15 * MINUTE_MS, chunkMs: DAY_MS, keptMs: 14 * DAY_MS },
};

/** How long fine samples keep coming after somebody looked. */
export const WATCH_MS = 90_000;

/**
 * Where the chunk of `at` begins; a point ends its interval, so one at a boundary belongs to the chunk before it.
 * @param offsetMs by how much chunks begin later than the clock's hours, so that not all of them close at once
 */
export function chunkStart(at: number, chunkMs: number, offsetMs: number): number {
  return (Math.ceil((at - offsetMs) / chunkMs) - 1) * chunkMs + offsetMs;
}

/**
 * `points` (oldest first) as averages over intervals of `everyMs` that are counted from `originMs`. An interval with no
 * point is left out; of the disk's use those points count that know it.
 */
export function averaged(points: readonly MetricPoint[], everyMs: number, originMs: number): MetricPoint[] {
  const intervals = new Map<number, MetricPoint[]>();
  for (const point of points) {
    const end = originMs + Math.ceil((point.at - originMs) / everyMs) * everyMs;
    const known = intervals.get(end);
    if (known) known.push(point);
    else intervals.set(end, [point]);
  }
  return [...intervals].map(([at, within]) => meanOf(at, within));
}

function meanOf(at: number, points: readonly MetricPoint[]): MetricPoint {
  const known = points.map(({ diskBytes }) => diskBytes).filter((bytes) => bytes !== null);
  return rounded({
    at,
    cpu: mean(points.map(({ cpu }) => cpu)),
    memoryBytes: mean(points.map(({ memoryBytes }) => memoryBytes)),
    rxBps: mean(points.map(({ rxBps }) => rxBps)),
    txBps: mean(points.map(({ txBps }) => txBps)),
    readBps: mean(points.map(({ readBps }) => readBps)),
    writeBps: mean(points.map(({ writeBps }) => writeBps)),
    diskBytes: known.length === 0 ? null : mean(known),
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** As much as is worth keeping: a ten-thousandth of a core, whole bytes. */
export function rounded(point: MetricPoint): MetricPoint {
  return {
    at: Math.round(point.at),
    cpu: Math.round(point.cpu * 10_000) / 10_000,
    memoryBytes: Math.round(point.memoryBytes),
    rxBps: Math.round(point.rxBps),
    txBps: Math.round(point.txBps),
    readBps: Math.round(point.readBps),
    writeBps: Math.round(point.writeBps),
    diskBytes: point.diskBytes === null ? null : Math.round(point.diskBytes),
  };
}

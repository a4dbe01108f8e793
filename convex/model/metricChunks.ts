import {
  averaged,
  chunkStart,
  RESOLUTION,
  type MetricPoint,
  type MetricResolution,
  type MetricSeries,
} from "../../core/metrics.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { emptyColumns, pointsOf, pushPoint, type Columns } from "./metricColumns.ts";

/**
 * The chunks that an environment's metrics are kept in. The newest of a resolution takes points until one comes that lies
 * behind its end; then it is closed, one of minutes by averaging it into quarters of an hour.
 */

/** Replicas of services that one environment is kept of: a chunk of a day of so many is half a mebibyte. */
const MOST_SERIES = 64;
/** Chunks whose time is over that go with each append, of whatever environment of the host. */
const PRUNED_AT_ONCE = 8;
const MINUTE_MS = 60_000;

type Chunk = Doc<"metricChunks">;
type Place = {
  projectId: Id<"projects">;
  hostId: Id<"hosts">;
  kind: EnvironmentKind;
  resolution: MetricResolution;
};

/** Adds points, of each series those that are newer than what is kept of it: the same again changes nothing. */
export async function appendMetrics(
  ctx: MutationCtx,
  place: Place,
  series: readonly MetricSeries[],
): Promise<void> {
  const { chunkMs } = RESOLUTION[place.resolution];
  const offsetMs = offsetOf(place.projectId);
  const starts = new Set(
    series.flatMap(({ points }) => points.map(({ at }) => chunkStart(at, chunkMs, offsetMs))),
  );
  let newest = (await newestChunks(ctx, place, 1))[0] ?? null;
  for (const start of [...starts].sort((one, other) => one - other)) {
    // What comes so late that its chunk was averaged already is let go.
    if (newest && start < newest.start) continue;
    const within = series.map((one) => ({
      ...one,
      points: one.points.filter(({ at }) => chunkStart(at, chunkMs, offsetMs) === start),
    }));
    if (newest?.start === start) newest = await addToChunk(ctx, newest, within);
    else {
      if (newest) await closeChunk(ctx, newest);
      newest = await openChunk(ctx, place, start, within);
    }
  }
}

async function addToChunk(ctx: MutationCtx, chunk: Chunk, series: readonly MetricSeries[]): Promise<Chunk> {
  const merged = mergeSeries(chunk.series, series);
  if (merged) await ctx.db.patch("metricChunks", chunk._id, { series: merged });
  return merged ? { ...chunk, series: merged } : chunk;
}

async function openChunk(
  ctx: MutationCtx,
  place: Place,
  start: number,
  series: readonly MetricSeries[],
): Promise<Chunk> {
  const { chunkMs, keptMs } = RESOLUTION[place.resolution];
  const fields = {
    ...place,
    start,
    expiresAt: start + chunkMs + keptMs,
    series: mergeSeries([], series) ?? [],
  };
  const id = await ctx.db.insert("metricChunks", fields);
  return { ...fields, _id: id, _creationTime: 0 };
}

/** `kept` with what is new, or null where nothing is. */
function mergeSeries(kept: readonly Columns[], series: readonly MetricSeries[]): Columns[] | null {
  const merged = structuredClone(kept) as Columns[];
  let changed = false;
  for (const one of series) {
    const known = merged.find(({ service, replica }) => service === one.service && replica === one.replica);
    const last = known?.at.at(-1) ?? -Infinity;
    const points = one.points.filter(({ at }) => at > last).sort((p, q) => p.at - q.at);
    if (points.length === 0 || (!known && merged.length >= MOST_SERIES)) continue;
    const columns = known ?? emptyColumns(one);
    if (!known) merged.push(columns);
    columns.cpuLimit = one.cpuLimit;
    columns.memoryLimitBytes = one.memoryLimitBytes;
    for (const point of points) pushPoint(columns, point);
    changed = true;
  }
  return changed ? merged : null;
}

/** Nothing is added to `chunk` any more. */
async function closeChunk(ctx: MutationCtx, chunk: Chunk): Promise<void> {
  if (chunk.resolution !== "minute") return;
  const { projectId, hostId, kind } = chunk;
  await appendMetrics(ctx, { projectId, hostId, kind, resolution: "quarter" }, quartersOf(chunk));
}

/** A chunk of minutes as points of quarters of an hour. */
export function quartersOf(chunk: Chunk): MetricSeries[] {
  return chunk.series.map((columns) => ({
    service: columns.service,
    replica: columns.replica,
    cpuLimit: columns.cpuLimit,
    memoryLimitBytes: columns.memoryLimitBytes,
    points: averaged(pointsOf(columns), RESOLUTION.quarter.everyMs, chunk.start) satisfies MetricPoint[],
  }));
}

export async function newestChunks(
  ctx: QueryCtx,
  { projectId, kind, resolution }: Omit<Place, "hostId">,
  count: number,
): Promise<Chunk[]> {
  return await ctx.db
    .query("metricChunks")
    .withIndex("by_environment_and_start", (q) =>
      q.eq("projectId", projectId).eq("kind", kind).eq("resolution", resolution),
    )
    .order("desc")
    .take(count);
}

/**
 * Lets chunks of a host go whose time is over. It runs with each append, so nothing has to run at its own time, and what
 * is no longer sampled goes too. A last chunk that nothing closed is averaged first.
 */
export async function pruneMetrics(ctx: MutationCtx, hostId: Id<"hosts">, now: number): Promise<void> {
  const over = await ctx.db
    .query("metricChunks")
    .withIndex("by_host_and_expiry", (q) => q.eq("hostId", hostId).lte("expiresAt", now))
    .take(PRUNED_AT_ONCE);
  for (const chunk of over) {
    const [newest] = await newestChunks(ctx, chunk, 1);
    if (newest?._id === chunk._id) await closeChunk(ctx, chunk);
    await ctx.db.delete("metricChunks", chunk._id);
  }
}

/** Removes a page of what is kept of a project that is gone. @returns whether there may be more */
export async function eraseMetrics(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  page: number,
): Promise<boolean> {
  const chunks = await ctx.db
    .query("metricChunks")
    .withIndex("by_environment_and_start", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const chunk of chunks) await ctx.db.delete("metricChunks", chunk._id);
  return chunks.length === page;
}

/** By how many whole minutes a project's chunks begin later than the clock's hours, so that few close at once. */
function offsetOf(projectId: Id<"projects">): number {
  let sum = 0;
  for (const character of projectId) sum = (sum * 31 + character.charCodeAt(0)) % 65_521;
  return (sum % 60) * MINUTE_MS;
}

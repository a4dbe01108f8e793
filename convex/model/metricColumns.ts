import type { ObjectType } from "convex/values";
import { rounded, type MetricPoint, type MetricSeries } from "../../core/metrics.ts";
import type { metricColumns } from "./validators.ts";

/** A series as it is kept, and back. */

export type Columns = ObjectType<typeof metricColumns>;

export function emptyColumns({ service, replica, cpuLimit, memoryLimitBytes }: MetricSeries): Columns {
  return {
    ...{ service, replica, cpuLimit, memoryLimitBytes },
    ...{ at: [], cpu: [], memoryBytes: [], rxBps: [], txBps: [], readBps: [], writeBps: [], diskBytes: [] },
  };
}

export function pushPoint(columns: Columns, point: MetricPoint): void {
  const kept = rounded(point);
  columns.at.push(kept.at);
  columns.cpu.push(kept.cpu);
  columns.memoryBytes.push(kept.memoryBytes);
  columns.rxBps.push(kept.rxBps);
  columns.txBps.push(kept.txBps);
  columns.readBps.push(kept.readBps);
  columns.writeBps.push(kept.writeBps);
  columns.diskBytes.push(kept.diskBytes);
}

export function pointsOf(columns: Columns): MetricPoint[] {
  return columns.at.map((at, index) => ({
    at,
    cpu: columns.cpu[index]!,
    memoryBytes: columns.memoryBytes[index]!,
    rxBps: columns.rxBps[index]!,
    txBps: columns.txBps[index]!,
    readBps: columns.readBps[index]!,
    writeBps: columns.writeBps[index]!,
    diskBytes: columns.diskBytes[index]!,
  }));
}

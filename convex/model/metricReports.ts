import { v, type ObjectType } from "convex/values";
import { RESOLUTION } from "../../core/metrics.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { hostedProject } from "./access.ts";
import { appendMetrics, pruneMetrics } from "./metricChunks.ts";
import { watchOf } from "./metricWatches.ts";
import { refuse } from "./refuse.ts";
import { vKind, vMetricSeries } from "./validators.ts";

/** What a worker sampled, of many environments at once. */

const MOST_ENVIRONMENTS = 100;
/** Of all environments together: as much as one transaction may read and write where all of it has to be averaged. */
const MOST_SERIES = 1000;
/** Of one series. */
const MOST_POINTS = 120;
/** How far a host's clock may be ahead of this one. */
const CLOCK_SLACK_MS = 300_000;

export const metricReportFields = {
  resolution: v.union(v.literal("fine"), v.literal("minute")),
  environments: v.array(v.object({ projectId: v.string(), kind: vKind, series: v.array(vMetricSeries) })),
};
type Report = ObjectType<typeof metricReportFields>;

/** Takes in what is of projects that live on the host; the rest is let go, as a project may be gone by now. */
export async function takeMetrics(
  ctx: MutationCtx,
  host: Doc<"hosts">,
  { resolution, environments }: Report,
): Promise<void> {
  const now = Date.now();
  checkReport(host, environments, now);
  for (const { projectId, kind, series } of environments) {
    const project = await hostedProject(ctx, host, projectId);
    if (!project) continue;
    if (resolution === "fine" && !(await watchOf(ctx, project._id))) continue;
    const oldest = now - RESOLUTION[resolution].keptMs;
    const fresh = series.map((one) => ({ ...one, points: one.points.filter(({ at }) => at > oldest) }));
    const place = { projectId: project._id, hostId: host._id, kind, resolution };
    await appendMetrics(ctx, place, fresh);
  }
  await pruneMetrics(ctx, host._id, now);
}

function checkReport(host: Doc<"hosts">, environments: Report["environments"], now: number): void {
  const series = environments.flatMap((one) => one.series);
  if (environments.length > MOST_ENVIRONMENTS || series.length > MOST_SERIES) {
    refuse({
      code: "too_much",
      message: `At most ${MOST_ENVIRONMENTS} environments and ${MOST_SERIES} series at a time.`,
      path: "environments",
      hint: "Send them in several calls.",
    });
  }
  for (const { points, service } of series) {
    if (points.length > MOST_POINTS || service.length > 64) {
      refuse({
        code: "too_much",
        message: `At most ${MOST_POINTS} points of a series.`,
        path: "environments",
      });
    }
    const ahead = Math.max(0, ...points.map(({ at }) => at)) - now;
    if (ahead <= CLOCK_SLACK_MS) continue;
    refuse({
      code: "bad_request",
      message: `The clock of ${host.name} is ${Math.round(ahead / 60_000)} minutes ahead.`,
      path: "environments",
      hint: "Set it right: an NTP service keeps it so.",
    });
  }
}

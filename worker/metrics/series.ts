import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { MetricPoint, MetricSeries } from "../../core/metrics.ts";
import type { ContainerFacts } from "./containerFacts.ts";
import type { Subject } from "./subject.ts";
import { asOne, meanOf, type UsageSum } from "./usage.ts";

/** How finely points follow each other: 5 s apart, of projects that somebody watches; a minute, of all. */
export type Resolution = "fine" | "minute";

export type EnvironmentSeries = { projectId: string; kind: EnvironmentKind; series: MetricSeries[] };

/** What one container used, to become part of a point. */
export type Measured = {
  subject: Subject;
  facts: Pick<ContainerFacts, "cpuLimit" | "memoryLimitBytes" | "volumes">;
  used: UsageSum;
};

/**
 * One point for each replica of each service. While a release is rolled out, two containers are the same replica: they
 * share a point, beside the limits of the one that came last.
 * @param at when it was measured, ms since 1970
 * @param wholeSeconds how long that took, where some may have ended meanwhile
 * @param diskBytesOf bytes that volumes hold; null: not known
 */
export function seriesOf(
  measured: readonly Measured[],
  at: number,
  wholeSeconds: number,
  diskBytesOf: DiskBytesOf,
): EnvironmentSeries[] {
  const environments = new Map<string, Map<string, Measured[]>>();
  for (const one of measured) {
    const { projectId, kind, service, replica } = one.subject;
    const replicas = getOrSet(environments, `${projectId} ${kind}`, () => new Map<string, Measured[]>());
    getOrSet(replicas, `${service} ${replica}`, () => []).push(one);
  }
  return [...environments.values()].map((replicas) => {
    const [[first]] = [...replicas.values()] as [[Measured]];
    const { projectId, kind } = first.subject;
    const series = [...replicas.values()].flatMap((containers) => {
      const { subject, facts } = containers.at(-1)!;
      const volumes = [...new Set(containers.flatMap(({ facts }) => facts.volumes))];
      const usage = meanOf(
        asOne(
          containers.map(({ used }) => used),
          wholeSeconds,
        ),
      );
      return usage
        ? [seriesOfReplica(subject, facts, { at, ...usage, diskBytes: diskBytesOf(volumes) })]
        : [];
    });
    return { projectId, kind, series };
  });
}

export type DiskBytesOf = (volumes: readonly string[]) => number | null;

function seriesOfReplica(subject: Subject, facts: Measured["facts"], point: MetricPoint): MetricSeries {
  return {
    service: subject.service,
    replica: subject.replica,
    cpuLimit: facts.cpuLimit,
    memoryLimitBytes: facts.memoryLimitBytes,
    points: [point],
  };
}

function getOrSet<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

import { Group, Loader, SegmentedControl, SimpleGrid, Switch, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { ChartLine } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import { METRIC_RANGES, type MetricRange } from "../../../../core/metrics.ts";
import { Ago } from "../../shared/Ago.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { bytes, bytesPerSecond, cpus } from "../../shared/format.ts";
import { Problem } from "../../shared/Problem.tsx";
import { KindPicker } from "../KindPicker.tsx";
import { runsIn } from "../overview/environmentText.ts";
import { Section } from "../Section.tsx";
import type { ProjectView, TabProps } from "../tabs.tsx";
import { useKind } from "../useKind.ts";
import { ChartCard, type Metric } from "./ChartCard.tsx";
import { SeriesPicker } from "./SeriesPicker.tsx";
import { newestAt, RANGES, seriesNames } from "./shape.ts";
import { useWatch } from "./useWatch.ts";

const METRICS: readonly Metric[] = [
  { field: "cpu", title: "CPU", format: cpus, isBinary: false },
  { field: "memoryBytes", title: "Memory", format: bytes, isBinary: true },
  { field: "rxBps", title: "Network, received", format: bytesPerSecond, isBinary: true },
  { field: "txBps", title: "Network, sent", format: bytesPerSecond, isBinary: true },
  { field: "readBps", title: "Disk, read", format: bytesPerSecond, isBinary: true },
  { field: "writeBps", title: "Disk, written", format: bytesPerSecond, isBinary: true },
  { field: "diskBytes", title: "Disk, in use", format: bytes, isBinary: true },
];

/** Newer than this, the newest point is of now. */
const FRESH_MS = 150_000;

/** What the containers of an environment use, over time. */
export function MetricsTab({ project }: TabProps) {
  const [kind, setKind] = useKind(project);
  const [range, setRange] = useState<MetricRange>("10m");
  const [isToLimits, setToLimits] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const problem = useWatch(project.projectId);
  const history = useQuery(api.metrics.history, { project: project.projectId, environment: kind, range });
  const series = history?.series ?? [];
  const names = seriesNames(series);
  const end = newestAt(series);
  const hasDisk = series.some(({ points }) => points.some(({ diskBytes }) => diskBytes !== null));
  return (
    <Section
      title="Metrics"
      actions={
        <>
          <KindPicker value={kind} onChange={setKind} />
          <SegmentedControl
            aria-label="How far back"
            value={range}
            data={[...METRIC_RANGES]}
            onChange={(chosen) => setRange(METRIC_RANGES.find((one) => one === chosen) ?? "10m")}
          />
        </>
      }
    >
      {problem && <Problem problem={problem} />}
      {history === undefined ? (
        <Loader aria-label="Loading" />
      ) : end === null ? (
        <NoPoints project={project} kind={kind} />
      ) : (
        <>
          <Group justify="space-between" gap="sm">
            <SeriesPicker names={names} hidden={hidden} onHidden={setHidden} />
            <Group gap="md">
              <Switch
                size="sm"
                label="Scale to the limits"
                checked={isToLimits}
                onChange={(event) => setToLimits(event.currentTarget.checked)}
              />
              <Freshness end={end} />
            </Group>
          </Group>
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
            {METRICS.filter(({ field }) => field !== "diskBytes" || hasDisk).map((metric) => (
              <ChartCard
                key={metric.field}
                metric={metric}
                series={series}
                names={names}
                hidden={hidden}
                isToLimits={isToLimits}
                end={end}
                range={RANGES[range]}
                about={`${kind} of ${project.slug}`}
              />
            ))}
          </SimpleGrid>
        </>
      )}
    </Section>
  );
}

function Freshness({ end }: { end: number }) {
  // Drawn anew with each point that comes; where none comes, it is old.
  const [now] = useState(() => Date.now());
  const isOld = now - end > FRESH_MS;
  return (
    <Text size="sm" c="dimmed">
      {isOld ? "It last ran" : "newest:"} <Ago at={end} />
    </Text>
  );
}

function NoPoints({ project, kind }: { project: ProjectView; kind: EnvironmentKind }) {
  const isRunning = project.environments.find((one) => one.kind === kind)?.phase === "running";
  return (
    <Empty Icon={ChartLine} title="Nothing measured yet">
      {isRunning
        ? "While you look, its containers are measured every 5 seconds; the first points are on their way."
        : `${kind} does not run. What its containers use is drawn here once it does: when the project moves to ${runsIn(kind)}.`}
    </Empty>
  );
}

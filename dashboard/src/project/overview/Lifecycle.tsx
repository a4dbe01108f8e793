import { Button, Grid, Group, List, Paper, Stack, Text } from "@mantine/core";
import { usePaginatedQuery } from "convex/react";
import { api } from "../../../../convex/_generated/api";
import { Ago } from "../../shared/Ago.tsx";
import type { ProjectView } from "../tabs.tsx";
import { Section } from "../Section.tsx";
import { LifecyclePicture } from "./LifecyclePicture.tsx";
import { Moves } from "./Moves.tsx";
import { pathOf, type Step } from "./path.ts";

const EVENTS = 100;
/** So many moves are told at first sight. */
const NEWEST = 6;

/** Where a project is in its lifecycle, how it came there, and where it may go. */
export function Lifecycle({ project }: { project: ProjectView }) {
  const log = usePaginatedQuery(
    api.events.listEvents,
    { project: project.projectId },
    { initialNumItems: EVENTS },
  );
  const path = pathOf(log.results);
  const { status, allowedNext } = project;
  return (
    <Section title="Lifecycle">
      <Paper withBorder p={{ base: "xs", sm: "md" }}>
        <Stack gap="lg">
          <LifecyclePicture state={{ status, allowedNext, path }} />
          <Legend />
          <Grid gap="lg">
            <Grid.Col span={{ base: 12, md: 6 }}>
              <HowItCame
                project={project}
                path={path}
                mayBeMore={log.status === "CanLoadMore"}
                onMore={() => log.loadMore(EVENTS)}
              />
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 6 }}>
              <Moves project={project} />
            </Grid.Col>
          </Grid>
        </Stack>
      </Paper>
    </Section>
  );
}

function Legend() {
  return (
    <Group gap="md" justify="center" aria-hidden>
      <LegendEntry color="var(--mantine-color-text)" width={2}>
        the way it came
      </LegendEntry>
      <LegendEntry color="var(--mantine-color-indigo-text)" width={2} dashes="6 4">
        may go now
      </LegendEntry>
      <LegendEntry color="var(--mantine-color-dimmed)" width={1}>
        other moves
      </LegendEntry>
    </Group>
  );
}

type EntryProps = { color: string; width: number; dashes?: string; children: string };

function LegendEntry({ color, width, dashes, children }: EntryProps) {
  return (
    <Group gap={6} wrap="nowrap">
      <svg width={28} height={8}>
        <path d="M0 4H28" stroke={color} strokeWidth={width} strokeDasharray={dashes} />
      </svg>
      <Text size="xs" c="dimmed">
        {children}
      </Text>
    </Group>
  );
}

type PathProps = { project: ProjectView; path: Step[]; mayBeMore: boolean; onMore: () => void };

function HowItCame({ project, path, mayBeMore, onMore }: PathProps) {
  const shown = path.slice(-NEWEST);
  const hidden = path.length - shown.length;
  return (
    <Stack gap="xs">
      <Text fw={600} id="how-it-came">
        How it came here
      </Text>
      {hidden > 0 && (
        <Text size="sm" c="dimmed">
          {hidden} earlier moves are on the Events tab.
        </Text>
      )}
      <List type="ordered" size="sm" spacing={6} start={hidden + 1} aria-labelledby="how-it-came">
        {hidden === 0 && !mayBeMore && (
          <List.Item>
            Made <Ago at={project.createdAt} />
          </List.Item>
        )}
        {shown.map((step) => (
          <List.Item key={`${step.at} ${step.to}`}>
            <StepText step={step} />
          </List.Item>
        ))}
      </List>
      {mayBeMore && hidden === 0 && (
        <Group>
          <Button size="xs" variant="default" onClick={onMore}>
            Look further back
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function StepText({ step: { from, to, at, by, reason, isOverride } }: { step: Step }) {
  return (
    <>
      from {from} to <b>{to}</b>, <Ago at={at} />, by {by}
      {isOverride && ", against what guards it"}
      {reason !== null && (
        <Text span inherit c="dimmed">
          {" "}
          “{reason}”
        </Text>
      )}
    </>
  );
}

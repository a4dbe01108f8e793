import { Button, CopyButton, Group, List, Loader, Paper, Stack, Text } from "@mantine/core";
import { CircleCheck, Copy, RotateCw } from "lucide-react";
import { useSettings } from "../../session/Backend.tsx";
import { Ago } from "../../shared/Ago.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { Problem } from "../../shared/Problem.tsx";
import { OtherHost } from "../OtherHost.tsx";
import { Section } from "../Section.tsx";
import type { ProjectView, TabProps } from "../tabs.tsx";
import { groupsOf, type Plan, type StepGroup } from "./planView.ts";
import { usePlan, type PlanState } from "./usePlan.ts";

/** What the worker would do now to bring what is to what should be. */
export function PlanTab({ project }: TabProps) {
  const { host } = useSettings();
  if (project.host !== host) {
    return (
      <Section title="Plan">
        <OtherHost project={project} what="The plan" />
      </Section>
    );
  }
  return <PlanOfHere project={project} />;
}

function PlanOfHere({ project }: { project: ProjectView }) {
  const state = usePlan(project.namespace, versionOf(project));
  return (
    <Section title="Plan" actions={<Tools state={state} />}>
      <Text size="sm" c="dimmed">
        What the worker would do now, one call to Docker a step, each with its cause. It does so by itself;
        here is nothing to press.
      </Text>
      {state.problem && <Problem problem={state.problem} onRetry={state.refresh} />}
      {state.plan ? <PlanView plan={state.plan} /> : state.isBusy && <Loader aria-label="Loading" />}
    </Section>
  );
}

/** Another whenever something is wanted or was seen that may make another plan. */
function versionOf({ manifestRevision, status, environments }: ProjectView): string {
  const seen = environments.map(
    ({ generation, observedGeneration, phase, services }) =>
      `${generation}:${observedGeneration}:${phase}:${services.map(({ containerId, state }) => containerId + state).join()}`,
  );
  return [manifestRevision, status, ...seen].join(" ");
}

function Tools({ state: { plan, at, isBusy, refresh } }: { state: PlanState }) {
  return (
    <Group gap="xs">
      {at !== null && (
        <Text size="sm" c="dimmed" role="status">
          as of <Ago at={at} />
        </Text>
      )}
      {plan !== null && plan.operations.length > 0 && (
        <CopyButton value={plan.text}>
          {({ copied, copy }) => (
            <Button size="sm" variant="default" leftSection={<Copy size={16} aria-hidden />} onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
      )}
      <Button
        size="sm"
        variant="default"
        leftSection={<RotateCw size={16} aria-hidden />}
        loading={isBusy}
        onClick={refresh}
      >
        Refresh
      </Button>
    </Group>
  );
}

function PlanView({ plan }: { plan: Plan }) {
  const groups = groupsOf(plan);
  if (groups.length === 0) {
    return (
      <Empty Icon={CircleCheck} title="Nothing to do">
        It is as it should be: what runs is what the manifest and the status ask for. Move the project or
        change its manifest, and the steps appear here.
      </Empty>
    );
  }
  return (
    <Stack gap="sm">
      <Text size="sm" role="status">
        {plan.operations.length} {plan.operations.length === 1 ? "step" : "steps"}
      </Text>
      {groups.map((group) => (
        <CauseGroup key={group.steps[0]!.number} group={group} />
      ))}
    </Stack>
  );
}

function CauseGroup({ group: { environment, cause, steps } }: { group: StepGroup }) {
  return (
    <Paper withBorder p="sm">
      <Text size="sm" fw={600} mb={6} style={{ overflowWrap: "anywhere" }}>
        {environment !== null && `${environment}: `}
        {cause}
      </Text>
      <List type="ordered" size="sm" spacing={4} start={steps[0]!.number}>
        {steps.map(({ number, kind, object, after }) => (
          <List.Item key={number}>
            {kind}{" "}
            <Text span inherit className="mono">
              {object}
            </Text>
            {after.length > 0 && (
              <Text span inherit c="dimmed">
                {" "}
                after {after.join(", ")}
              </Text>
            )}
          </List.Item>
        ))}
      </List>
    </Paper>
  );
}

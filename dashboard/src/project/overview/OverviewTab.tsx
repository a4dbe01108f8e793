import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { Info, Trash2 } from "lucide-react";
import { useMoves } from "../../shared/MoveMenu.tsx";
import { useMove } from "../../shared/useMove.tsx";
import { Section } from "../Section.tsx";
import type { ProjectView, TabProps } from "../tabs.tsx";
import { EnvironmentCard } from "./EnvironmentCard.tsx";
import { Lifecycle } from "./Lifecycle.tsx";

/** Where a project stands, what runs of it, and what can be done. */
export function OverviewTab({ project }: TabProps) {
  return (
    <Stack gap="xl">
      {project.statusReason !== null && (
        <Alert
          color={project.status === "failed" ? "red" : "blue"}
          icon={<Info aria-hidden />}
          title={`Why it is in ${project.status}`}
        >
          {project.statusReason}
        </Alert>
      )}
      <Lifecycle project={project} />
      <Section title="Environments">
        <div className="cards">
          {project.environments.map((environment) => (
            <EnvironmentCard key={environment.kind} project={project} environment={environment} />
          ))}
        </div>
      </Section>
      <Deletion project={project} />
    </Stack>
  );
}

function Deletion({ project }: { project: ProjectView }) {
  const { move, isBusy, dialogs } = useMove();
  if (!useMoves(project).includes("deleting")) return null;
  return (
    <Section title="Delete">
      <Group gap="md">
        <Button
          color="red.9"
          variant="filled"
          leftSection={<Trash2 size={16} aria-hidden />}
          disabled={isBusy}
          onClick={() => move(project, "deleting")}
        >
          Delete {project.slug}
        </Button>
        <Text size="sm" c="dimmed">
          Its containers, files, databases and releases go, for good. You are asked for its name first.
        </Text>
      </Group>
      {dialogs}
    </Section>
  );
}

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "convex/react";
import { RotateCw, TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import { api } from "../../../../convex/_generated/api";
import { useAccess } from "../../session/Session.tsx";
import { projectPath } from "../../shared/urls.ts";
import { useDoing } from "../../shared/useDoing.ts";
import type { EnvironmentView } from "../environments.ts";
import type { ProjectView } from "../tabs.tsx";
import { troubleOf } from "./environmentText.ts";

type Props = { project: ProjectView; environment: EnvironmentView };

/** Why an environment failed, what helps, and the button for it. */
export function Trouble({ project, environment }: Props) {
  const { isAdmin } = useAccess();
  const retry = useMutation(api.projects.retryProject);
  const { run, isBusy } = useDoing();
  const { kind } = environment;
  const { cause, next } = troubleOf(environment);
  const again = () =>
    run({ doing: `Trying ${kind} of ${project.slug} again`, done: `${kind} is tried again` }, async () => {
      await retry({ project: project.slug, environment: kind });
    });
  return (
    <Alert color="red" icon={<TriangleAlert aria-hidden />} title={`${kind} failed`}>
      <Stack gap="xs">
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {cause}
        </Text>
        <Text size="sm" fw={600}>
          {next}
        </Text>
        <Group gap="xs">
          {isAdmin && (
            <Button
              size="xs"
              color="red.9"
              loading={isBusy}
              leftSection={<RotateCw size={14} aria-hidden />}
              onClick={() => void again()}
            >
              Try again
            </Button>
          )}
          <Button component={Link} to={projectPath(project.slug, "manifest")} size="xs" variant="default">
            Change the manifest
          </Button>
        </Group>
        {!isAdmin && <Text size="sm">An admin may have it tried again.</Text>}
      </Stack>
    </Alert>
  );
}

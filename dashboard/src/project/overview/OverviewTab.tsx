import { Group, Stack, Text } from "@mantine/core";
import { PhaseMark } from "../../shared/marks.tsx";
import type { TabProps } from "../tabs.tsx";

export function OverviewTab({ project }: TabProps) {
  return (
    <Stack>
      {project.environments.map(({ kind, phase, message }) => (
        <Group key={kind}>
          <Text fw={600}>{kind}</Text>
          <PhaseMark phase={phase} />
          <Text>{message}</Text>
        </Group>
      ))}
    </Stack>
  );
}

import { Group, Stack, Title } from "@mantine/core";
import { useId, type ReactNode } from "react";

type Props = {
  title: string;
  /** Beside the title. */
  actions?: ReactNode;
  children: ReactNode;
};

/** A part of a tab: a region with its heading. */
export function Section({ title, actions, children }: Props) {
  const id = useId();
  return (
    <Stack component="section" aria-labelledby={id} gap="sm">
      <Group justify="space-between" gap="xs" align="center">
        <Title order={2} size="h3" id={id}>
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </Stack>
  );
}

import { Group, Stack, Text, Title } from "@mantine/core";
import { useId, type ReactNode } from "react";

type Props = {
  title: string;
  /** What it is about, in a sentence. */
  about?: ReactNode;
  /** Beside the title. */
  actions?: ReactNode;
  children: ReactNode;
};

/** A part of a page: a region with its heading. */
export function Section({ title, about, actions, children }: Props) {
  const id = useId();
  return (
    <Stack component="section" aria-labelledby={id} gap="sm">
      <Group justify="space-between" gap="xs" align="center">
        <Title order={2} size="h3" id={id}>
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {about && (
        <Text size="sm" c="dimmed" maw={720}>
          {about}
        </Text>
      )}
      {children}
    </Stack>
  );
}

import { Group, Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Guarded } from "./Guarded.tsx";

type Props = { title: string; /** Beside the title. */ actions?: ReactNode; children: ReactNode };

/** A page: its title in the page and in the tab, what can be done, and its content. */
export function Page({ title, actions, children }: Props) {
  useDocumentTitle(`${title} · Slipway`);
  return (
    <Stack gap="md" p="md" h="100%">
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions}
      </Group>
      <Guarded about={title}>{children}</Guarded>
    </Stack>
  );
}

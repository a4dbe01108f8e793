import { Center, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

type Props = {
  Icon: LucideIcon;
  title: string;
  /** The first step, in a sentence. */
  children: ReactNode;
  /** What to press. */
  action?: ReactNode;
};

/** A place where nothing is yet: what would be here, and how to begin. */
export function Empty({ Icon, title, children, action }: Props) {
  return (
    <Center p="xl" mih={200}>
      <Stack align="center" gap="sm" maw={460}>
        <ThemeIcon variant="default" size={48} radius="xl">
          <Icon aria-hidden />
        </ThemeIcon>
        <Title order={3} size="h4" ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </Center>
  );
}

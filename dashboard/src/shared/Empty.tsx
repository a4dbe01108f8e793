import { Center, Stack, Text, ThemeIcon } from "@mantine/core";
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
        {/* No heading: it heads nothing, and its level would depend on where it stands. */}
        <Text fz="h4" fw={650} lh={1.3} ta="center">
          {title}
        </Text>
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </Center>
  );
}

import { Group, Progress, Stack, Text } from "@mantine/core";

type Props = {
  label: string;
  /** Both in one unit. */
  value: number;
  most: number;
  /** `1.5 of 4 CPU`: what the bar says, in words. */
  words: string;
};

const WARN_FROM = 75;
const FULL_FROM = 92;

/** How much of something is taken: a bar, and the same in words. */
export function Meter({ label, value, most, words }: Props) {
  const percent = most > 0 ? Math.min(100, (value / most) * 100) : 0;
  const color = percent >= FULL_FROM ? "red.8" : percent >= WARN_FROM ? "yellow.8" : "indigo.6";
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="sm" c="dimmed">
          {words}
        </Text>
      </Group>
      <Progress.Root size="md">
        <Progress.Section value={percent} color={color} aria-label={label} aria-valuetext={words} />
      </Progress.Root>
    </Stack>
  );
}

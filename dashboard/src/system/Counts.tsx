import { Group, Loader, Paper, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { api } from "../../../convex/_generated/api";
import { STATUSES } from "../../../core/lifecycle.ts";
import { STATUS_LOOKS } from "../shared/marks.tsx";
import { Section } from "../shared/Section.tsx";

/** How many projects there are, by where they stand. */
export function Counts() {
  const counts = useQuery(api.projects.statusCounts, {});
  const total = counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <Section title="Projects" about={total === undefined ? undefined : `${total} in all.`}>
      {counts === undefined && <Loader aria-label="Loading" />}
      {counts && (
        <SimpleGrid cols={{ base: 2, xs: 4, lg: 8 }} spacing="xs">
          {STATUSES.map((status) => {
            const { Icon, color } = STATUS_LOOKS[status];
            return (
              <Paper key={status} withBorder p="xs">
                <Text fw={650} size="xl" lh={1.2}>
                  {counts[status].toLocaleString("en")}
                </Text>
                <Group gap={6} wrap="nowrap">
                  <Icon size={14} color={`var(--mantine-color-${color}-text)`} aria-hidden />
                  <Text size="sm" truncate>
                    {status}
                  </Text>
                </Group>
              </Paper>
            );
          })}
        </SimpleGrid>
      )}
    </Section>
  );
}

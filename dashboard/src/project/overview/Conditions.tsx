import { List, Text, ThemeIcon } from "@mantine/core";
import { TRUTH_LOOKS } from "../../shared/marks.tsx";
import type { EnvironmentView } from "../environments.ts";

type Condition = EnvironmentView["conditions"][number];

const WORDS: Record<Condition["status"], string> = { true: "yes", false: "no", unknown: "not known" };

/** What holds of an environment and what does not, each with its reason. */
export function Conditions({ conditions }: { conditions: Condition[] }) {
  if (conditions.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600} mb={4}>
        Conditions
      </Text>
      <List
        size="sm"
        spacing={6}
        listStyleType="none"
        aria-label="Conditions"
        styles={{ itemWrapper: { alignItems: "flex-start" } }}
      >
        {conditions.map(({ type, status, reason, message }) => {
          const { Icon, color } = TRUTH_LOOKS[status];
          return (
            <List.Item
              key={type}
              icon={
                <ThemeIcon variant="transparent" size={20} c={`var(--mantine-color-${color}-text)`}>
                  <Icon size={16} aria-hidden />
                </ThemeIcon>
              }
            >
              <Text span size="sm" fw={500}>
                {type}
              </Text>
              : {WORDS[status]}{" "}
              <Text span size="xs" c="dimmed" className="mono">
                {reason}
              </Text>
              {message !== "" && (
                <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
                  {message}
                </Text>
              )}
            </List.Item>
          );
        })}
      </List>
    </div>
  );
}

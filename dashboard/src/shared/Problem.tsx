import { Alert, Button, Group, List, Stack, Text } from "@mantine/core";
import { CircleAlert } from "lucide-react";
import type { Problem as Data } from "./problem.ts";

/** An error where it happened: what, and what to do next. */
export function Problem({ problem, onRetry }: { problem: Data; onRetry?: () => void }) {
  const { title, message, hint, allowed, path } = problem;
  return (
    <Alert color="red" title={title} icon={<CircleAlert aria-hidden />} role="alert">
      <Stack gap="xs">
        <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {message}
        </Text>
        {path && (
          <Text size="sm">
            At <span className="mono">{path}</span>
          </Text>
        )}
        {allowed && allowed.length > 0 && (
          <List size="sm" aria-label="What is allowed">
            {allowed.map((one) => (
              <List.Item key={one}>{one}</List.Item>
            ))}
          </List>
        )}
        {hint && (
          <Text size="sm" fw={600}>
            {hint}
          </Text>
        )}
        {onRetry && (
          <Group>
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

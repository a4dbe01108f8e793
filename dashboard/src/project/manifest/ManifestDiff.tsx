import { Center, Group, Loader, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { Suspense, useState } from "react";
import { lazily } from "../../shared/lazily.ts";
import type { DiffProps } from "./DiffView.tsx";

const DiffView = lazily(async () => (await import("./DiffView.tsx")).default);

type Props = Omit<DiffProps, "isSideBySide"> & {
  /** The dotted paths that differ. */
  paths: string[];
};

/** Two manifests and what is another in them: the paths, and the YAML, side by side or in one column. */
export function ManifestDiff({ paths, ...diff }: Props) {
  const isWide = useMediaQuery("(min-width: 62em)", true, { getInitialValueInEffect: false });
  const [layout, setLayout] = useState<"split" | "unified">("unified");
  if (paths.length === 0) return <Text size="sm">The two are the same.</Text>;
  const isSideBySide = isWide && layout === "split";
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <Paths paths={paths} />
        {isWide && (
          <SegmentedControl
            size="xs"
            aria-label="How to show the difference"
            value={layout}
            onChange={(chosen) => setLayout(chosen === "split" ? "split" : "unified")}
            data={[
              { value: "unified", label: "In one column" },
              { value: "split", label: "Side by side" },
            ]}
          />
        )}
      </Group>
      {isSideBySide && (
        <Group grow gap="xs">
          <Text size="xs" c="dimmed">
            {diff.beforeLabel}
          </Text>
          <Text size="xs" c="dimmed">
            {diff.afterLabel}
          </Text>
        </Group>
      )}
      <Suspense
        fallback={
          <Center mih={80}>
            <Loader size="sm" aria-label="Loading the difference" />
          </Center>
        }
      >
        <DiffView {...diff} isSideBySide={isSideBySide} />
      </Suspense>
    </Stack>
  );
}

const MOST_SHOWN = 12;

export function Paths({ paths }: { paths: string[] }) {
  const more = paths.length - MOST_SHOWN;
  return (
    <Text size="sm">
      Changed:{" "}
      {paths.slice(0, MOST_SHOWN).map((path, index) => (
        <span key={path}>
          {index > 0 && ", "}
          <code className="mono">{path}</code>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </Text>
  );
}

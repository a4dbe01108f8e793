import { Anchor, Button, Group, Paper, Stack, Text } from "@mantine/core";
import type { FunctionReturnType } from "convex/server";
import { Link } from "react-router";
import type { api } from "../../../../convex/_generated/api";
import { Ago } from "../../shared/Ago.tsx";
import { bytes } from "../../shared/format.ts";
import { Mark } from "../../shared/marks.tsx";
import { projectPath } from "../../shared/urls.ts";
import { choicesOf, type Serving } from "./choices.ts";
import { RELEASE_LOOKS, SERVING_LOOK } from "./looks.ts";
import { ReleaseActions } from "./ReleaseActions.tsx";
import type { Deploys } from "./useDeploys.tsx";

export type Release = FunctionReturnType<typeof api.releases.list>["page"][number];

type Props = {
  slug: string;
  releases: Release[];
  serving: Serving;
  mayDeploy: boolean;
  deploys: Deploys;
  /** Absent where all are shown. */
  onMore?: () => void;
};

/** The releases, newest first, each a row that leads to all about it. */
export function ReleaseList({ slug, releases, serving, mayDeploy, deploys, onMore }: Props) {
  return (
    <Stack gap="xs">
      <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
        {releases.map((release) => (
          <Paper component="li" key={release.number} withBorder p="sm">
            <Group justify="space-between" gap="sm">
              <Group gap="sm">
                <Anchor
                  component={Link}
                  to={`${projectPath(slug, "releases")}?release=${release.number}`}
                  fw={600}
                >
                  Release {release.number}
                </Anchor>
                <Mark look={RELEASE_LOOKS[release.state]}>{release.state}</Mark>
                {serving.release === release.number && <Mark look={SERVING_LOOK}>serves</Mark>}
                <Text size="sm" c="dimmed">
                  <Ago at={release.createdAt} />
                  {release.files !== null &&
                    release.bytes !== null &&
                    ` · ${release.files} files, ${bytes(release.bytes)}`}
                </Text>
              </Group>
              {mayDeploy && (
                <ReleaseActions
                  number={release.number}
                  choices={choicesOf(release, serving)}
                  deploys={deploys}
                />
              )}
            </Group>
            <Text size="sm" mt={4} lineClamp={2} style={{ overflowWrap: "anywhere" }}>
              {release.message}
            </Text>
          </Paper>
        ))}
      </Stack>
      {onMore && (
        <Button variant="default" size="xs" w="fit-content" onClick={onMore}>
          Older releases
        </Button>
      )}
    </Stack>
  );
}

import { Anchor, Group, Loader, Stack, Title } from "@mantine/core";
import { useQuery } from "convex/react";
import { ArrowLeft, Compass } from "lucide-react";
import { Link } from "react-router";
import { api } from "../../../../convex/_generated/api";
import { Ago } from "../../shared/Ago.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { Facts } from "../../shared/Facts.tsx";
import { bytes } from "../../shared/format.ts";
import { Mark } from "../../shared/marks.tsx";
import { Section } from "../../shared/Section.tsx";
import { projectPath } from "../../shared/urls.ts";
import { choicesOf, type Serving } from "./choices.ts";
import { CompareManifests } from "./CompareManifests.tsx";
import { RELEASE_LOOKS, SERVING_LOOK } from "./looks.ts";
import { ReleaseActions } from "./ReleaseActions.tsx";
import { TestResults } from "./TestResults.tsx";
import type { Deploys } from "./useDeploys.tsx";

type Props = {
  slug: string;
  number: number;
  numbers: number[];
  serving: Serving;
  mayDeploy: boolean;
  deploys: Deploys;
};

/** All that is known of one release. */
export function ReleaseDetails({ slug, number, numbers, serving, mayDeploy, deploys }: Props) {
  const release = useQuery(api.releases.get, { project: slug, number });
  return (
    <Stack gap="xl">
      <Stack gap="xs">
        <Anchor component={Link} to={projectPath(slug, "releases")} size="sm" w="fit-content">
          <Group gap={4}>
            <ArrowLeft size={14} aria-hidden /> All releases
          </Group>
        </Anchor>
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <Title order={2} size="h3">
              Release {number}
            </Title>
            {release && <Mark look={RELEASE_LOOKS[release.state]}>{release.state}</Mark>}
            {serving.release === number && <Mark look={SERVING_LOOK}>serves</Mark>}
          </Group>
          {release && mayDeploy && (
            <ReleaseActions number={number} choices={choicesOf(release, serving)} deploys={deploys} />
          )}
        </Group>
        {release === undefined && <Loader size="sm" aria-label="Loading" />}
        {release === null && (
          <Empty Icon={Compass} title={`Release ${number} is not known`}>
            The newest fifty of a project are kept, and those that it runs.
          </Empty>
        )}
        {release && (
          <Facts
            facts={[
              ["What", release.message],
              ["Made", <Ago key="made" at={release.createdAt} />],
              ["Tested", release.testedAt === null ? "–" : <Ago key="tested" at={release.testedAt} />],
              [
                "Holds",
                release.files === null || release.bytes === null
                  ? "its snapshot is not taken yet"
                  : `${release.files} files, ${bytes(release.bytes)}`,
              ],
              [
                "Snapshot",
                <span key="snapshot" className="mono">
                  {release.snapshot ?? "–"}
                </span>,
              ],
            ]}
          />
        )}
      </Stack>
      {release && (
        <>
          <Section title="Tests">
            <TestResults result={release.result} output={release.output} />
          </Section>
          <Section title="Manifest" about="What was to be run, as it was when the release was made.">
            <CompareManifests
              key={number}
              slug={slug}
              number={number}
              manifest={release.manifest}
              numbers={numbers}
            />
          </Section>
        </>
      )}
    </Stack>
  );
}

import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { GitPullRequestArrow } from "lucide-react";
import { api } from "../../../../convex/_generated/api";
import { readManifest } from "../../create/manifestText.ts";
import { Ago } from "../../shared/Ago.tsx";
import type { ProjectView } from "../tabs.tsx";
import { ManifestDiff } from "./ManifestDiff.tsx";
import { changeOf } from "./plan.ts";
import { manifestYaml } from "./withoutDefaults.ts";

/** Among how many events the change is looked for. */
const LOOKED_AT = 50;

type Props = {
  project: ProjectView;
  /** The revision that was edited. */
  base: number;
  mine: string;
  onTakeTheirs: () => void;
  onKeepMine: () => void;
};

/** Somebody else saved a manifest while this one was edited: who, what, and the two ways on. Nothing typed is lost. */
export function Overtaken({ project, base, mine, onTakeTheirs, onKeepMine }: Props) {
  const { slug, manifest, manifestRevision: theirs } = project;
  const events = useQuery(api.events.listEvents, {
    project: slug,
    paginationOpts: { numItems: LOOKED_AT, cursor: null },
  });
  const event = events?.page.find(({ type, to }) => type === "project.updated" && to === String(theirs));
  const { input } = readManifest(mine);
  const change = input && changeOf(manifest, input);
  return (
    <Alert
      color="yellow"
      icon={<GitPullRequestArrow aria-hidden />}
      title={`${event ? event.actor.subject : "Somebody"} was quicker`}
      role="alert"
    >
      <Stack gap="sm">
        <Text size="sm">
          The manifest is at revision {theirs} now; you began with {base}.
          {event && (
            <>
              {" "}
              {event.message} <Ago at={event.at} />.
            </>
          )}{" "}
          What you typed is still here.
        </Text>
        {change && (
          <ManifestDiff
            before={manifestYaml(manifest)}
            after={mine}
            beforeLabel={`Revision ${theirs}`}
            afterLabel="Yours"
            paths={change.paths}
          />
        )}
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onKeepMine}>
            Keep mine, on top of theirs
          </Button>
          <Button size="xs" variant="default" onClick={onTakeTheirs}>
            Take theirs, drop mine
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}

import { Button, Group, Loader, Stack, Text } from "@mantine/core";
import { usePaginatedQuery } from "convex/react";
import { FlaskConical, Package, Rocket, Undo2 } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { api } from "../../../../convex/_generated/api";
import { useAccess } from "../../session/Session.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { useMoves } from "../../shared/MoveMenu.tsx";
import { Section } from "../../shared/Section.tsx";
import { useMove } from "../../shared/useMove.tsx";
import type { TabProps } from "../tabs.tsx";
import { servingOf } from "./choices.ts";
import { DeployList } from "./DeployList.tsx";
import { ReleaseDetails } from "./ReleaseDetails.tsx";
import { ReleaseList } from "./ReleaseList.tsx";
import { RollBack } from "./RollBack.tsx";
import { Scale } from "./Scale.tsx";
import { UnderWay } from "./UnderWay.tsx";
import { useDeploys } from "./useDeploys.tsx";

const FIRST = 20;
const MORE = 30;

/** Releases, their tests, and their way to where the project serves. */
export function ReleasesTab({ project }: TabProps) {
  const { slug, environments } = project;
  const { may } = useAccess();
  const mayDeploy = may("move:deployment");
  const [parameters] = useSearchParams();
  const releases = usePaginatedQuery(api.releases.list, { project: slug }, { initialNumItems: FIRST });
  const deployed = usePaginatedQuery(api.releases.listDeploys, { project: slug }, { initialNumItems: FIRST });
  const deploys = useDeploys(slug);
  const [isGoingBack, setGoingBack] = useState(false);
  const environment = environments.find(({ kind }) => kind === "deploy");
  const serving = servingOf(environment, deployed.results);
  const chosen = Number(parameters.get("release"));
  const underWay = deployed.results.find(({ number }) => number === serving.underWay?.number);

  if (Number.isInteger(chosen) && chosen > 0) {
    return (
      <ReleaseDetails
        slug={slug}
        number={chosen}
        numbers={releases.results.map(({ number }) => number)}
        serving={serving}
        mayDeploy={mayDeploy}
        deploys={deploys}
      />
    );
  }
  if (releases.status === "LoadingFirstPage" || deployed.status === "LoadingFirstPage") {
    return <Loader m="md" aria-label="Loading" />;
  }
  const mayScale = mayDeploy && serving.isThere && serving.underWay === null && environment;
  return (
    <Stack gap="xl">
      {underWay && (
        <UnderWay deploy={underWay} environment={environment} mayDeploy={mayDeploy} deploys={deploys} />
      )}
      <Section
        title="Releases"
        about="Each is a snapshot of the project's files, and of its manifest, with the result of its tests."
        actions={<TestNow project={project} />}
      >
        {releases.results.length === 0 ? (
          <Empty Icon={Package} title="No releases yet">
            {FIRST_STEP[project.status] ?? "Moving the project to testing makes one and runs its tests."}
          </Empty>
        ) : (
          <ReleaseList
            slug={slug}
            releases={releases.results}
            serving={serving}
            mayDeploy={mayDeploy}
            deploys={deploys}
            onMore={releases.status === "CanLoadMore" ? () => releases.loadMore(MORE) : undefined}
          />
        )}
      </Section>
      <Section
        title="Deploys"
        actions={
          mayDeploy &&
          serving.isThere &&
          serving.before !== null && (
            <Button
              size="xs"
              variant="default"
              leftSection={<Undo2 size={14} aria-hidden />}
              onClick={() => setGoingBack(true)}
            >
              Roll back
            </Button>
          )
        }
      >
        {deployed.results.length === 0 ? (
          <Empty Icon={Rocket} title="Nothing is deployed yet">
            Once the tests of a release have passed, moving the project to deployment brings it to its users.
          </Empty>
        ) : (
          <DeployList
            deploys={deployed.results}
            onMore={deployed.status === "CanLoadMore" ? () => deployed.loadMore(MORE) : undefined}
          />
        )}
      </Section>
      {mayScale && (
        <Section title="Replicas" about="How many containers of each service answer requests.">
          <Scale slug={slug} environment={mayScale} deploys={deploys} />
        </Section>
      )}
      <RollBack
        isOpen={isGoingBack}
        slug={slug}
        from={serving.release}
        to={serving.before}
        deploys={deploys}
        onClose={() => setGoingBack(false)}
      />
    </Stack>
  );
}

const FIRST_STEP: Partial<Record<string, string>> = {
  created:
    "Plan and develop the project first; then moving it to testing makes a release and runs its tests.",
  planning: "Develop the project first; then moving it to testing makes a release and runs its tests.",
};

/** The moves that make a release and bring it out, where they may be made now. */
function TestNow({ project }: TabProps) {
  const moves = useMoves(project);
  const { move, isBusy, dialogs } = useMove();
  const { status, release } = project;
  const isPassed = release?.state === "passed";
  return (
    <Group gap="xs">
      {moves.includes("testing") && (
        <Button
          size="xs"
          variant={status === "development" ? "filled" : "default"}
          loading={isBusy}
          leftSection={<FlaskConical size={14} aria-hidden />}
          onClick={() => move(project, "testing")}
        >
          Test now
        </Button>
      )}
      {status === "testing" && moves.includes("deployment") && isPassed && (
        <Button
          size="xs"
          loading={isBusy}
          leftSection={<Rocket size={14} aria-hidden />}
          onClick={() => move(project, "deployment")}
        >
          Deploy release {release.number}
        </Button>
      )}
      {status === "deployment" && (
        <Text size="sm" c="dimmed">
          For another release: back to development, then test.
        </Text>
      )}
      {dialogs}
    </Group>
  );
}

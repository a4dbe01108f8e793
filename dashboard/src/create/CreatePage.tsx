import { Button, Group, Paper, SegmentedControl, Stack, Text } from "@mantine/core";
import { useMutation } from "convex/react";
import { Lock } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { api } from "../../../convex/_generated/api";
import { useAccess } from "../session/Session.tsx";
import { Empty } from "../shared/Empty.tsx";
import { Page } from "../shared/Page.tsx";
import { Problem } from "../shared/Problem.tsx";
import { projectPath } from "../shared/urls.ts";
import { useDoing } from "../shared/useDoing.ts";
import { FromManifest } from "./FromManifest.tsx";
import { FromStack } from "./FromStack.tsx";

/** What a new project is made of. */
export type Wish = { name: string; stack?: string; manifest?: unknown; isStarted: boolean };

/** A new project, from a stack's starter or from a manifest. */
export function CreatePage() {
  const { isAdmin } = useAccess();
  const [way, setWay] = useState<"stack" | "manifest">("stack");
  const create = useMutation(api.projects.createProject);
  const move = useMutation(api.projects.updateProjectStatus);
  const navigate = useNavigate();
  const { run, isBusy, problem, forget } = useDoing();
  if (!isAdmin) {
    return (
      <Page title="New project">
        <Empty Icon={Lock} title="Only an admin makes projects">
          Sign in with an admin&apos;s token: <code>slipway open</code>.
        </Empty>
      </Page>
    );
  }

  const make = async ({ isStarted, ...wish }: Wish) => {
    let slug = "";
    await run(
      {
        doing: "Making the project",
        done: isStarted ? "The project is made, and on its way to development" : "The project is made",
        isQuietOnFailure: true,
      },
      async () => {
        ({ slug } = await create(wish));
        if (!isStarted) return;
        await move({ project: slug, to: "planning" });
        await move({ project: slug, to: "development" });
      },
    );
    // Also where it could not be started: there it is, and its page says why.
    if (slug !== "") await navigate(projectPath(slug));
  };

  return (
    <Page title="New project">
      <Paper withBorder p="md" maw={860}>
        <Stack>
          <Group>
            <SegmentedControl
              aria-label="From what"
              value={way}
              onChange={(chosen) => {
                setWay(chosen === "manifest" ? "manifest" : "stack");
                forget();
              }}
              data={[
                { value: "stack", label: "From a stack" },
                { value: "manifest", label: "From a manifest" },
              ]}
            />
          </Group>
          {way === "stack" ? (
            <FromStack onMake={(wish) => void make(wish)} isBusy={isBusy} />
          ) : (
            <FromManifest onMake={(wish) => void make(wish)} isBusy={isBusy} />
          )}
          {problem && <Problem problem={problem} />}
          <Text size="sm" c="dimmed">
            From a folder on your own machine: <code>slipway project create --file slipway.yml</code> sends it
            along.
          </Text>
        </Stack>
      </Paper>
    </Page>
  );
}

/** The two ways to end a form. */
export function MakeButtons({
  isDisabled,
  isBusy,
  onMake,
}: {
  isDisabled: boolean;
  isBusy: boolean;
  onMake: (isStarted: boolean) => void;
}) {
  return (
    <Group>
      <Button disabled={isDisabled} loading={isBusy} onClick={() => onMake(true)}>
        Make and start
      </Button>
      <Button variant="default" disabled={isDisabled || isBusy} onClick={() => onMake(false)}>
        Only make
      </Button>
    </Group>
  );
}

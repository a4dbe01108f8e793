import { Button, Stack, Text } from "@mantine/core";
import { EDGES, GUARDS, type Status } from "../../../../core/lifecycle.ts";
import { useAccess } from "../../session/Session.tsx";
import { STATUS_LOOKS } from "../../shared/marks.tsx";
import { useMoves } from "../../shared/MoveMenu.tsx";
import { MOVE_WORDS, useMove } from "../../shared/useMove.tsx";
import type { ProjectView } from "../tabs.tsx";
import { MAIN } from "./lifecycleLayout.ts";

/** What each status is for, to whoever decides where to go. */
const ABOUT: Record<Status, string> = {
  created: "",
  planning: "its agents are made; nothing new runs",
  development: "its dev environment runs, with files to work on",
  testing: "a release is made of dev's files, and its tests run",
  deployment: "the tested release serves its users",
  paused: "everything hibernates, and nothing is lost",
  failed: "everything stops; volumes are kept for the retention time",
  deleting: "",
};

/** The moves that a project may make, as buttons; deleting is on its own below. */
export function Moves({ project }: { project: ProjectView }) {
  const { person } = useAccess();
  const { move, isBusy, dialogs } = useMove();
  const moves = useMoves(project).filter((to) => to !== "deleting");
  const here = MAIN.indexOf(project.status);
  const forward = moves.find((to) => MAIN.indexOf(to) > here);
  const isMoveable = project.allowedNext.some((to) => to !== "deleting");
  return (
    <Stack gap="xs" component="section" aria-label="Moves">
      <Text fw={600}>Where it may go</Text>
      {moves.length === 0 && (
        <Text size="sm" c="dimmed">
          {isMoveable
            ? `A ${person.role}'s token moves it nowhere from here; an admin may.`
            : "Nowhere: it is being deleted."}
        </Text>
      )}
      {moves.map((to) => {
        const { Icon } = STATUS_LOOKS[to];
        const guard = EDGES.find((edge) => edge.from === project.status && edge.to === to)?.guard;
        return (
          <div key={to} className="move">
            <Button
              size="sm"
              justify="flex-start"
              variant={to === forward ? "filled" : "default"}
              leftSection={<Icon size={16} aria-hidden />}
              disabled={isBusy}
              onClick={() => move(project, to)}
            >
              {MOVE_WORDS[to]}
            </Button>
            <Text size="sm" c="dimmed">
              {ABOUT[to]}
              {guard && `; once ${GUARDS[guard]}`}
            </Text>
          </div>
        );
      })}
      {dialogs}
    </Stack>
  );
}

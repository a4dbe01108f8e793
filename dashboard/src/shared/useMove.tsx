import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "convex/react";
import { useCallback, useState, type ReactNode } from "react";
import { api } from "../../../convex/_generated/api";
import { EFFECTS, type Status } from "../../../core/lifecycle.ts";
import { useAccess } from "../session/Session.tsx";
import { ConfirmByName } from "./ConfirmByName.tsx";
import { Problem } from "./Problem.tsx";
import type { Problem as ProblemData } from "./problem.ts";
import { useDoing } from "./useDoing.ts";

export type Movable = { slug: string; status: Status };

/** How moves are called on buttons and in menus. */
export const MOVE_WORDS: Record<Status, string> = {
  created: "Created",
  planning: "Plan",
  development: "Develop",
  testing: "Test",
  deployment: "Deploy",
  paused: "Pause",
  failed: "Mark as failed",
  deleting: "Delete",
};

type Asked = { project: Movable; to: Status };

/**
 * Moves projects along their lifecycle. What destroys something asks first; what is refused says why, and where an admin
 * may override that, how.
 * @returns `dialogs` has to be drawn somewhere
 */
export function useMove(): {
  move: (project: Movable, to: Status) => void;
  isBusy: boolean;
  dialogs: ReactNode;
} {
  const { isAdmin } = useAccess();
  const update = useMutation(api.projects.updateProjectStatus);
  const doing = useDoing();
  const [deleting, setDeleting] = useState<Movable | null>(null);
  const [failing, setFailing] = useState<Movable | null>(null);
  const [refused, setRefused] = useState<Asked | null>(null);

  const { run } = doing;
  const go = useCallback(
    async (project: Movable, to: Status, more: { reason?: string; override?: boolean } = {}) => {
      const done = await run(
        {
          doing: to === "deleting" ? `Deleting ${project.slug}` : `Moving ${project.slug} to ${to}`,
          done: to === "deleting" ? `${project.slug} is being deleted` : `${project.slug} is in ${to}`,
          isQuietOnFailure: true,
        },
        async () => await update({ project: project.slug, to, expectedFrom: project.status, ...more }),
      );
      setDeleting(null);
      setFailing(null);
      setRefused(done ? null : { project, to });
    },
    [run, update],
  );

  const move = useCallback(
    (project: Movable, to: Status) => {
      if (to === "deleting") setDeleting(project);
      else if (to === "failed") setFailing(project);
      else void go(project, to);
    },
    [go],
  );

  const dialogs = (
    <>
      <ConfirmByName
        isOpen={deleting !== null}
        title={`Delete ${deleting?.slug ?? ""}?`}
        consequence="Its containers, networks, files, databases and releases go, for good. Its events stay."
        name={deleting?.slug ?? ""}
        verb="Delete"
        isBusy={doing.isBusy}
        onConfirm={() => deleting && void go(deleting, "deleting")}
        onClose={() => setDeleting(null)}
      />
      <ConfirmByName
        isOpen={failing !== null}
        title={`Mark ${failing?.slug ?? ""} as failed?`}
        consequence={`All its environments become ${EFFECTS.failed.deploy}, what serves its users too. Its volumes are kept for the retention time.`}
        name={failing?.slug ?? ""}
        verb="Mark as failed"
        isBusy={doing.isBusy}
        onConfirm={() => failing && void go(failing, "failed")}
        onClose={() => setFailing(null)}
      />
      <Modal
        opened={refused !== null && doing.problem !== null}
        onClose={() => setRefused(null)}
        title={refused ? `${refused.project.slug} stays in ${refused.project.status}` : ""}
        centered
      >
        {refused && doing.problem && (
          <Refused
            problem={doing.problem}
            mayOverride={isAdmin && doing.problem.code === "guard_failed"}
            isBusy={doing.isBusy}
            onOverride={(reason) => void go(refused.project, refused.to, { reason, override: true })}
            onClose={() => setRefused(null)}
          />
        )}
      </Modal>
    </>
  );
  return { move, isBusy: doing.isBusy, dialogs };
}

type RefusedProps = {
  problem: ProblemData;
  mayOverride: boolean;
  isBusy: boolean;
  onOverride: (reason: string) => void;
  onClose: () => void;
};

function Refused({ problem, mayOverride, isBusy, onOverride, onClose }: RefusedProps) {
  const [reason, setReason] = useState("");
  return (
    <Stack>
      <Problem problem={problem} />
      {mayOverride && (
        <>
          <Textarea
            label="Move it all the same, because"
            description="The reason is kept in the project's events."
            autosize
            minRows={2}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Text size="sm" c="dimmed">
            Only an admin may do this.
          </Text>
        </>
      )}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          Close
        </Button>
        {mayOverride && (
          <Button
            color="red.9"
            disabled={reason.trim() === ""}
            loading={isBusy}
            onClick={() => onOverride(reason.trim())}
          >
            Move all the same
          </Button>
        )}
      </Group>
    </Stack>
  );
}

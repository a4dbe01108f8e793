import { ActionIcon, Menu } from "@mantine/core";
import { EllipsisVertical } from "lucide-react";
import type { Status } from "../../../core/lifecycle.ts";
import { moveVerb } from "../../../core/access.ts";
import { useAccess } from "../session/Session.tsx";
import { STATUS_LOOKS } from "./marks.tsx";
import { MOVE_WORDS, type Movable } from "./useMove.tsx";

type Props = {
  project: Movable & { allowedNext: Status[] };
  onMove: (project: Movable, to: Status) => void;
};

/** The moves that a project may make now, and this person may make; nothing where there are none. */
export function MoveMenu({ project, onMove }: Props) {
  const moves = useMoves(project);
  if (moves.length === 0) return null;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Move ${project.slug}`}>
          <EllipsisVertical size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {moves.map((to) => {
          const { Icon, color } = STATUS_LOOKS[to];
          return (
            <Menu.Item
              key={to}
              leftSection={<Icon size={16} color={`var(--mantine-color-${color}-text)`} aria-hidden />}
              onClick={() => onMove(project, to)}
            >
              {MOVE_WORDS[to]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The statuses that `project` may move to by the hand of whoever is signed in. */
export function useMoves({ allowedNext }: { allowedNext: Status[] }): Status[] {
  const { may } = useAccess();
  return allowedNext.filter((to) => may(moveVerb(to)));
}

import { Anchor, Group, Paper, Text } from "@mantine/core";
import { draggable } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import type { FunctionReturnType } from "convex/server";
import { TriangleAlert } from "lucide-react";
import { memo, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import type { api } from "../../../convex/_generated/api";
import { Ago } from "../shared/Ago.tsx";
import { EnvironmentMarks } from "../shared/marks.tsx";
import { MoveMenu, useMoves } from "../shared/MoveMenu.tsx";
import { sameProject } from "../shared/sameProject.ts";
import { projectPath } from "../shared/urls.ts";
import type { Movable } from "../shared/useMove.tsx";
import type { Dragged } from "./drag.ts";

export type Summary = FunctionReturnType<typeof api.projects.listProjects>["page"][number];

type Props = {
  project: Summary;
  onDrag: (dragged: Dragged | null) => void;
  onMove: (project: Movable, to: Summary["status"]) => void;
};

/** One project on the board. Drawn again only when that project changes. */
export const Card = memo(function Card({ project, onDrag, onMove }: Props) {
  const card = useRef<HTMLDivElement>(null);
  const [isDragging, setDragging] = useState(false);
  const moves = useMoves(project);
  const movesKey = moves.join(" ");
  useEffect(() => {
    if (!card.current || movesKey === "") return;
    const dragged: Dragged = { project, moves: movesKey.split(" ") as Dragged["moves"] };
    return draggable({
      element: card.current,
      getInitialData: () => ({ kind: "project", dragged }),
      onDragStart: () => {
        setDragging(true);
        onDrag(dragged);
      },
      onDrop: () => {
        setDragging(false);
        onDrag(null);
      },
    });
  }, [project, movesKey, onDrag]);
  return (
    <Paper
      ref={card}
      withBorder
      p="xs"
      className={isDragging ? "row dragging" : "row"}
      data-project={project.slug}
      style={{ cursor: movesKey === "" ? undefined : "grab" }}
    >
      <Group justify="space-between" wrap="nowrap" gap={4}>
        <Anchor component={Link} to={projectPath(project.slug)} fw={600} size="sm" truncate draggable={false}>
          {project.name}
        </Anchor>
        <MoveMenu project={project} onMove={onMove} />
      </Group>
      <Text size="xs" c="dimmed" truncate>
        {project.stack ?? "services"} · <Ago at={project.statusChangedAt} />
      </Text>
      <Group gap={4} mt={6}>
        <EnvironmentMarks environments={project.environments} />
      </Group>
      {project.trouble !== null && (
        <Group gap={6} mt={6} wrap="nowrap" align="flex-start">
          <TriangleAlert
            size={14}
            color="var(--mantine-color-red-text)"
            aria-label="Trouble"
            style={{ flexShrink: 0, marginTop: 2 }}
          />
          <Text size="xs" lineClamp={2}>
            {project.trouble}
          </Text>
        </Group>
      )}
    </Paper>
  );
}, sameProject);

import { Badge, Group, Loader, Paper, Text, Title } from "@mantine/core";
import { dropTargetForElements } from "@atlaskit/pragmatic-drag-and-drop/element/adapter";
import { useVirtualizer } from "@tanstack/react-virtual";
import { usePaginatedQuery } from "convex/react";
import { memo, useEffect, useRef, useState } from "react";
import { api } from "../../../convex/_generated/api";
import { EFFECTS, type Status } from "../../../core/lifecycle.ts";
import { Guarded } from "../shared/Guarded.tsx";
import { STATUS_LOOKS } from "../shared/marks.tsx";
import type { Movable } from "../shared/useMove.tsx";
import { Card } from "./Card.tsx";
import { carried, type Dragged } from "./drag.ts";

const FIRST = 20;
const MORE = 50;
/** px; measured once a card is drawn. */
const CARD_HEIGHT = 104;

type Props = {
  status: Status;
  count: number | undefined;
  dragged: Dragged | null;
  onDrag: (dragged: Dragged | null) => void;
  onMove: (project: Movable, to: Status) => void;
};

/** The projects of one status. Only the cards that are in sight are in the page. */
export const Column = memo(function Column({ status, count, dragged, onDrag, onMove }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [isOver, setOver] = useState(false);
  const isTarget = dragged?.moves.includes(status) ?? false;
  useEffect(() => {
    if (!frame.current) return;
    return dropTargetForElements({
      element: frame.current,
      canDrop: ({ source }) => carried(source.data)?.moves.includes(status) ?? false,
      onDragEnter: () => setOver(true),
      onDragLeave: () => setOver(false),
      onDrop: ({ source }) => {
        setOver(false);
        const dropped = carried(source.data);
        if (dropped) onMove(dropped.project, status);
      },
    });
  }, [status, onMove]);
  const { Icon, color } = STATUS_LOOKS[status];
  const isElsewhere = dragged !== null && !isTarget && dragged.project.status !== status;
  return (
    <Paper
      ref={frame}
      component="section"
      withBorder
      aria-labelledby={`column-${status}`}
      className={[isTarget && "drop-target", isOver && "drop-over", isElsewhere && "not-allowed"]
        .filter(Boolean)
        .join(" ")}
      style={{ flex: "1 0 184px", minWidth: 184, display: "flex", flexDirection: "column" }}
    >
      <Group px="sm" py="xs" gap={8} wrap="nowrap">
        <Icon size={16} color={`var(--mantine-color-${color}-text)`} style={{ flexShrink: 0 }} aria-hidden />
        <Title order={2} size="sm" id={`column-${status}`} tt="capitalize" style={{ minWidth: 0 }}>
          {status}
        </Title>
        <Badge
          style={{ flexShrink: 0 }}
          variant="default"
          size="sm"
          aria-label={count === undefined ? "not counted yet" : `${count} in ${status}`}
        >
          {count ?? "…"}
        </Badge>
      </Group>
      <Guarded>
        <Cards status={status} onDrag={onDrag} onMove={onMove} />
      </Guarded>
    </Paper>
  );
});

function Cards({ status, onDrag, onMove }: Pick<Props, "status" | "onDrag" | "onMove">) {
  const list = usePaginatedQuery(api.projects.listProjects, { status }, { initialNumItems: FIRST });
  const projects = list.results;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: projects.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => CARD_HEIGHT,
    getItemKey: (index) => projects[index]!.projectId,
    overscan: 4,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { status: loading, loadMore } = list;
  useEffect(() => {
    if (loading === "CanLoadMore" && last >= projects.length - 5) loadMore(MORE);
  }, [loading, loadMore, last, projects.length]);
  return (
    <div
      ref={scroller}
      style={{ flex: 1, minHeight: 120, overflowY: "auto", padding: "0 8px 8px" }}
      tabIndex={0}
      role="region"
      aria-label={`Projects in ${status}`}
    >
      {loading === "LoadingFirstPage" && <Loader size="sm" m="sm" aria-label="Loading" />}
      {loading !== "LoadingFirstPage" && projects.length === 0 && (
        <Text size="sm" c="dimmed" p="xs">
          {emptyText(status)}
        </Text>
      )}
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {items.map(({ key, index, start }) => (
          <div
            key={key}
            data-index={index}
            ref={virtual.measureElement}
            style={{
              position: "absolute",
              insetInline: 0,
              top: 0,
              transform: `translateY(${start}px)`,
              paddingBottom: 8,
            }}
          >
            <Card project={projects[index]!} onDrag={onDrag} onMove={onMove} />
          </div>
        ))}
      </div>
    </div>
  );
}

/** What being here would mean. */
function emptyText(status: Status): string {
  const runs = (["dev", "test", "deploy"] as const).filter((kind) => EFFECTS[status][kind] === "running");
  if (runs.length > 0)
    return `None. Here a project's ${runs.join(" and ")} run${runs.length === 1 ? "s" : ""}.`;
  return status === "paused" ? "None. Here a project's containers are stopped, its data stays." : "None.";
}

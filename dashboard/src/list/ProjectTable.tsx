import { Anchor, Group, Loader, Table, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, TriangleAlert } from "lucide-react";
import { memo, useRef } from "react";
import { Link } from "react-router";
import type { Status } from "../../../core/lifecycle.ts";
import type { Summary } from "../board/Card.tsx";
import { Ago } from "../shared/Ago.tsx";
import { EnvironmentMarks, StatusMark } from "../shared/marks.tsx";
import { MoveMenu } from "../shared/MoveMenu.tsx";
import { sameProject } from "../shared/sameProject.ts";
import { projectPath } from "../shared/urls.ts";
import type { Movable } from "../shared/useMove.tsx";
import type { ColumnName, Order } from "./arrange.ts";

/** px of a row; rows are of one height, so that only those in sight need be in the page. */
const ROW_HEIGHT = 44;

const HEADINGS: { by: ColumnName; label: string }[] = [
  { by: "name", label: "Name" },
  { by: "status", label: "Status" },
  { by: "stack", label: "Stack" },
  { by: "host", label: "Host" },
  { by: "created", label: "Created" },
  { by: "changed", label: "Moved" },
];

type Props = {
  projects: Summary[];
  order: Order;
  onOrder: (order: Order) => void;
  onMove: (project: Movable, to: Status) => void;
  isLoading: boolean;
};

export function ProjectTable({ projects, order, onOrder, onMove, isLoading }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: projects.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <div
      ref={scroller}
      style={{ flex: 1, minHeight: 240, overflow: "auto" }}
      tabIndex={0}
      role="region"
      aria-label="Projects"
    >
      {isLoading && <Loader m="md" aria-label="Loading" />}
      <Table stickyHeader verticalSpacing={0} miw={860} aria-rowcount={projects.length + 1}>
        <Table.Thead>
          <Table.Tr h={ROW_HEIGHT}>
            {HEADINGS.map(({ by, label }) => (
              <Table.Th
                key={by}
                aria-sort={by === order.by ? (order.isDescending ? "descending" : "ascending") : "none"}
              >
                <UnstyledButton
                  fz="sm"
                  fw={600}
                  onClick={() => onOrder({ by, isDescending: by === order.by ? !order.isDescending : false })}
                >
                  <Group gap={4} wrap="nowrap">
                    {label}
                    {by === order.by &&
                      (order.isDescending ? (
                        <ArrowDown size={14} aria-hidden />
                      ) : (
                        <ArrowUp size={14} aria-hidden />
                      ))}
                  </Group>
                </UnstyledButton>
              </Table.Th>
            ))}
            <Table.Th>Runs</Table.Th>
            <Table.Th>
              <VisuallyHidden>Moves</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {before > 0 && <Spacer height={before} />}
          {items.map(({ index }) => (
            <Row
              key={projects[index]!.projectId}
              project={projects[index]!}
              position={index + 2}
              onMove={onMove}
            />
          ))}
          {after > 0 && <Spacer height={after} />}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Spacer({ height }: { height: number }) {
  return <tr aria-hidden style={{ height }} />;
}

type RowProps = { project: Summary; position: number; onMove: Props["onMove"] };

/** Drawn again only when its project changes. */
const Row = memo(function Row({ project, position, onMove }: RowProps) {
  return (
    <Table.Tr h={ROW_HEIGHT} className="row" aria-rowindex={position} data-project={project.slug}>
      <Table.Td maw={260}>
        <Group gap={6} wrap="nowrap">
          <Anchor component={Link} to={projectPath(project.slug)} fw={600} size="sm" truncate>
            {project.name}
          </Anchor>
          {project.trouble !== null && (
            <TriangleAlert size={14} color="var(--mantine-color-red-text)" aria-label={project.trouble} />
          )}
        </Group>
      </Table.Td>
      <Table.Td>
        <StatusMark status={project.status} size="sm" />
      </Table.Td>
      <Table.Td>
        <Text size="sm">{project.stack ?? "services"}</Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm">{project.host ?? "none yet"}</Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" component="div">
          <Ago at={project.createdAt} />
        </Text>
      </Table.Td>
      <Table.Td>
        <Text size="sm" component="div">
          <Ago at={project.statusChangedAt} />
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap={4} wrap="nowrap">
          <EnvironmentMarks environments={project.environments} />
        </Group>
      </Table.Td>
      <Table.Td>
        <MoveMenu project={project} onMove={onMove} />
      </Table.Td>
    </Table.Tr>
  );
}, sameProject);

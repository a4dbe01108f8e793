import { ScrollArea, Table, Text } from "@mantine/core";
import { Mark } from "../../shared/marks.tsx";
import { Check, CircleDashed, CirclePause, CircleX, LoaderCircle, TriangleAlert } from "lucide-react";
import type { EnvironmentView } from "../environments.ts";

type Container = EnvironmentView["services"][number];
type Look = Parameters<typeof Mark>[0]["look"];

/** Docker shows so many characters of an id, and takes them. */
const SHORT_ID = 12;

/** The containers of an environment, as they were seen last. */
export function Containers({ environment: { kind, services } }: { environment: EnvironmentView }) {
  if (services.length === 0) return null;
  return (
    <ScrollArea
      type="auto"
      viewportProps={{ tabIndex: 0, role: "region", "aria-label": `Containers of ${kind}` }}
    >
      <Table withRowBorders={false} horizontalSpacing="xs" verticalSpacing={4} fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Service</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Container</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {services.map((container) => (
            <Table.Tr key={`${container.service} ${container.replica} ${container.containerId}`}>
              <Table.Td style={{ whiteSpace: "nowrap" }}>
                {container.service}{" "}
                <Text span inherit c="dimmed">
                  {container.replica}
                </Text>
              </Table.Td>
              <Table.Td>
                <Mark look={lookOf(container)} size="sm">
                  {stateText(container)}
                </Mark>
              </Table.Td>
              <Table.Td className="mono" style={{ whiteSpace: "nowrap" }} title={container.containerId}>
                {container.containerId.slice(0, SHORT_ID)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function stateText({ state, health, exitCode }: Container): string {
  if (state === "running") return health === "none" ? "running" : `running, ${health}`;
  return exitCode !== null && (state === "exited" || state === "dead") ? `${state}, code ${exitCode}` : state;
}

function lookOf({ state, health, exitCode }: Container): Look {
  if (state === "running") {
    if (health === "unhealthy") return { Icon: TriangleAlert, color: "red" };
    return health === "starting" ? { Icon: LoaderCircle, color: "yellow" } : { Icon: Check, color: "green" };
  }
  if (state === "paused") return { Icon: CirclePause, color: "cyan" };
  if (state === "exited")
    return exitCode === 0 ? { Icon: Check, color: "gray" } : { Icon: CircleX, color: "red" };
  if (state === "created") return { Icon: CircleDashed, color: "gray" };
  return { Icon: TriangleAlert, color: "red" };
}

import { Accordion, Code, Group, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Server } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { Empty } from "../shared/Empty.tsx";
import { Mark } from "../shared/marks.tsx";
import { Page } from "../shared/Page.tsx";
import { HostDetails } from "./HostDetails.tsx";
import { HOST_LOOKS } from "./marks.ts";

export type Host = FunctionReturnType<typeof api.hosts.listHosts>[number];

/** The machines that run projects: what each has, what it has promised, and what is wrong with it. */
export function HostsPage() {
  const hosts = useQuery(api.hosts.listHosts, {});
  return (
    <Page title="Hosts">
      {hosts === undefined && <Loader m="md" aria-label="Loading" />}
      {hosts?.length === 0 && <FirstHost />}
      {hosts && hosts.length > 0 && <Hosts hosts={hosts} />}
    </Page>
  );
}

function Hosts({ hosts }: { hosts: Host[] }) {
  // A few are all opened; of many only one that somebody opens, as an open one follows each heartbeat.
  const [opened, setOpened] = useState(() => (hosts.length <= 2 ? hosts.map(({ hostId }) => hostId) : []));
  return (
    <Accordion
      multiple
      variant="separated"
      order={2}
      value={opened}
      onChange={(ids) => setOpened(hosts.map(({ hostId }) => hostId).filter((id) => ids.includes(id)))}
    >
      {hosts.map((host) => (
        <Accordion.Item key={host.hostId} value={host.hostId}>
          <Accordion.Control>
            <Group gap="sm">
              <Text fw={600}>{host.name}</Text>
              <Mark look={HOST_LOOKS[host.state]}>{host.state}</Mark>
              <Text size="sm" c="dimmed">
                {host.projects} {host.projects === 1 ? "project" : "projects"}
              </Text>
              <Trouble host={host} />
            </Group>
          </Accordion.Control>
          <Accordion.Panel>{opened.includes(host.hostId) && <HostDetails host={host} />}</Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

/** How much is wrong, so that a closed one says it too. */
function Trouble({ host }: { host: Host }) {
  const failed = host.checks.findings.filter(({ state }) => state === "failed").length + host.problems.length;
  if (failed === 0) return null;
  return <Mark look={HOST_LOOKS.lost}>{`${failed} ${failed === 1 ? "problem" : "problems"}`}</Mark>;
}

function FirstHost() {
  return (
    <Empty Icon={Server} title="No host yet">
      <Stack gap="xs">
        <span>A host is a machine with Docker and a worker. On the machine that is to be one, type</span>
        <Code block>npm start</Code>
        <span>in a checkout of Slipway. Its worker registers here within seconds.</span>
      </Stack>
    </Empty>
  );
}

import { Alert, List, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Ago } from "../shared/Ago.tsx";
import { Facts } from "../shared/Facts.tsx";
import { bytes, cpus } from "../shared/format.ts";
import { Meter } from "../shared/Meter.tsx";
import type { Host } from "./HostsPage.tsx";
import { Lease } from "./Lease.tsx";
import { Usage } from "./Usage.tsx";
import { ofBytes, ofCpus, STATE_MEANS, STATE_STEP } from "./words.ts";

/** All about one host. Follows its heartbeats while it is shown. */
export function HostDetails({ host }: { host: Host }) {
  const { state, reserved, allowed, problems, drift, errors } = host;
  return (
    <Stack gap="lg">
      <Text size="sm">
        {STATE_MEANS[state]} {STATE_STEP[state] !== null && <b>{STATE_STEP[state]}</b>}
      </Text>
      {problems.length > 0 && (
        <Alert
          color="red"
          icon={<TriangleAlert aria-hidden />}
          title="What its worker finds wrong with the machine"
        >
          <List size="sm">
            {problems.map((problem) => (
              <List.Item key={problem}>{problem}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl" verticalSpacing="lg">
        <Part title="The machine">
          <Facts
            facts={[
              ["Has", `${cpus(host.cpus)}, ${bytes(host.memoryBytes)}`],
              ["Worker", `version ${host.version}, epoch ${host.epoch}`],
              ["Engine", host.engineVersion],
              ["Stacks", host.stacks.length === 0 ? "none" : host.stacks.join(", ")],
              ["Lease", <Lease key="lease" hostId={host.hostId} />],
            ]}
          />
        </Part>
        <Part title="Promised to projects">
          <Meter
            label="CPU"
            value={reserved.cpus}
            most={allowed.cpus}
            words={ofCpus(reserved.cpus, allowed.cpus)}
          />
          <Meter
            label="Memory"
            value={reserved.memoryBytes}
            most={allowed.memoryBytes}
            words={ofBytes(reserved.memoryBytes, allowed.memoryBytes)}
          />
          <Text size="sm" c="dimmed">
            Limits of what runs, added up. More than the machine has may be promised, as few use all of
            theirs.
          </Text>
        </Part>
        <Part title="Used now">
          <Usage host={host} />
        </Part>
        <Part title="Mended and failed">
          <Text size="sm">
            {drift.mended === 0
              ? "Nothing was otherwise than it should be since the worker started."
              : `${drift.mended} times something was otherwise than it should be, and was put right.`}
          </Text>
          {drift.last !== null && drift.lastAt !== null && (
            <Text size="sm" c="dimmed">
              Last <Ago at={drift.lastAt} />: {drift.last}
            </Text>
          )}
          {errors.length === 0 ? (
            <Text size="sm">No errors.</Text>
          ) : (
            <List size="sm" aria-label="Its last errors">
              {errors.map(({ at, message }) => (
                <List.Item key={`${at} ${message}`}>
                  <Ago at={at} />: {message}
                </List.Item>
              ))}
            </List>
          )}
        </Part>
      </SimpleGrid>
    </Stack>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

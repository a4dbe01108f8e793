import { Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useConvexConnectionState } from "convex/react";
import { CircleCheck, CircleDashed, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { FINDING_LOOKS } from "../hosts/marks.ts";
import type { Host } from "../hosts/HostsPage.tsx";
import { STATE_MEANS, STATE_STEP } from "../hosts/words.ts";
import { useSettings } from "../session/Backend.tsx";
import { Mark, type Look } from "../shared/marks.tsx";
import { Section } from "../shared/Section.tsx";
import { stateOf } from "./findings.ts";

const GOOD: Look = { Icon: CircleCheck, color: "green" };
const BAD: Look = { Icon: TriangleAlert, color: "red" };
const UNKNOWN: Look = { Icon: CircleDashed, color: "gray" };

const GATEWAY_CHECKS = ["gateway", "routes"];

/** The parts that have to be there: the backend, the gateway, the workers. */
export function Health({ hosts }: { hosts: Host[] | undefined }) {
  return (
    <Section title="Parts">
      <SimpleGrid cols={{ base: 1, md: 3 }}>
        <Backend />
        <Gateway hosts={hosts} />
        <Workers hosts={hosts} />
      </SimpleGrid>
    </Section>
  );
}

function Backend() {
  const { isWebSocketConnected, connectionRetries } = useConvexConnectionState();
  const { convexUrl } = useSettings();
  return (
    <Part
      title="Backend"
      look={isWebSocketConnected ? GOOD : BAD}
      word={isWebSocketConnected ? "connected" : "no connection"}
    >
      {isWebSocketConnected
        ? "This page is subscribed to it."
        : `It is tried again by itself, ${connectionRetries} times by now. What you see may be old.`}{" "}
      {convexUrl === null ? "It is reached through this page's own address." : `It is at ${convexUrl}.`}
    </Part>
  );
}

function Gateway({ hosts }: { hosts: Host[] | undefined }) {
  const { httpPort, httpsPort, baseDomain } = useSettings();
  const found = stateOf(hosts?.flatMap(({ checks }) => checks.findings) ?? [], GATEWAY_CHECKS);
  return (
    <Part
      title="Gateway"
      look={found ? FINDING_LOOKS[found.state] : UNKNOWN}
      word={found ? (found.state === "ok" ? "answers" : found.state) : "not checked yet"}
    >
      {found && found.state !== "ok" ? `${found.detail}. ${found.fix ?? ""} ` : ""}
      It listens at {baseDomain}:{httpPort}
      {httpsPort !== null && `, and for TLS at ${httpsPort}`}.
    </Part>
  );
}

function Workers({ hosts }: { hosts: Host[] | undefined }) {
  const { version } = useSettings();
  if (hosts === undefined) return <Part title="Workers" look={UNKNOWN} word="…" children="" />;
  const away = hosts.filter(({ state }) => state !== "live");
  const others = hosts.filter((host) => host.state === "live" && host.version !== version);
  const isGood = hosts.length > 0 && away.length === 0;
  return (
    <Part
      title="Workers"
      look={isGood ? GOOD : BAD}
      word={`${hosts.length - away.length} of ${hosts.length} live`}
    >
      {hosts.length === 0 && "None has registered: no project can run. Start one: npm start."}
      {away.map(({ name, state }) => `${name} is ${state}: ${STATE_MEANS[state]} ${STATE_STEP[state]} `)}
      {isGood && `This page is of version ${version}`}
      {isGood && others.length === 0 && ", as the workers are."}
      {others.length > 0 &&
        ` ${others.map((host) => `${host.name} is of ${host.version}`).join(", ")}: load this page anew.`}
    </Part>
  );
}

function Part({
  title,
  look,
  word,
  children,
}: {
  title: string;
  look: Look;
  word: string;
  children: ReactNode;
}) {
  return (
    <Paper withBorder p="sm">
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Title order={3} size="h5">
            {title}
          </Title>
          <Mark look={look}>{word}</Mark>
        </Group>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {children}
        </Text>
      </Stack>
    </Paper>
  );
}

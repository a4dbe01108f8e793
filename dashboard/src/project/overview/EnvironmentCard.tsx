import { Anchor, Button, Group, Loader, Paper, Stack, Text, Title } from "@mantine/core";
import { ExternalLink, ScrollText } from "lucide-react";
import { useId } from "react";
import { Link } from "react-router";
import { useSettings } from "../../session/Backend.tsx";
import { PhaseMark } from "../../shared/marks.tsx";
import { environmentUrl, gatewayUrl, projectPath } from "../../shared/urls.ts";
import type { EnvironmentView } from "../environments.ts";
import type { ProjectView } from "../tabs.tsx";
import { Conditions } from "./Conditions.tsx";
import { Containers } from "./Containers.tsx";
import { domainsOf, isBehind, PURPOSES, runsIn } from "./environmentText.ts";
import { Facts } from "./Facts.tsx";
import { Trouble } from "./Trouble.tsx";

type Props = { project: ProjectView; environment: EnvironmentView };

/** One environment: what is wanted of it, what was seen, and what it can be reached by. */
export function EnvironmentCard({ project, environment }: Props) {
  const id = useId();
  const { kind, phase, desired } = environment;
  const isThere = phase !== "absent" || desired !== "absent";
  return (
    <Paper
      withBorder
      p="md"
      component="article"
      aria-labelledby={id}
      data-phase={isBehind(environment) && phase !== "failed" ? "changing" : phase}
    >
      <Stack gap="md">
        <Group justify="space-between" gap="xs">
          <Group gap="xs" align="baseline">
            <Title order={3} size="h4" id={id}>
              {kind}
            </Title>
            <Text size="sm" c="dimmed">
              {PURPOSES[kind]}
            </Text>
          </Group>
          <PhaseMark phase={phase} size="lg" />
        </Group>
        {phase === "failed" && <Trouble project={project} environment={environment} />}
        {isThere ? (
          <There project={project} environment={environment} />
        ) : (
          <Absent environment={environment} />
        )}
      </Stack>
    </Paper>
  );
}

function Absent({ environment: { kind, message } }: { environment: EnvironmentView }) {
  return (
    <Text size="sm" c="dimmed">
      {message !== "" && `${message} `}Nothing of it runs. It starts when the project moves to {runsIn(kind)}.
    </Text>
  );
}

function There({ project, environment }: Props) {
  const { kind, phase, desired, message } = environment;
  return (
    <>
      {isBehind(environment) && phase !== "failed" && (
        <Group gap="xs" wrap="nowrap" role="status">
          <Loader size="xs" aria-hidden />
          <Text size="sm">It is being brought there: {desired}.</Text>
        </Group>
      )}
      {message !== "" && phase !== "failed" && <Text size="sm">{message}</Text>}
      <Addresses project={project} environment={environment} />
      <Containers environment={environment} />
      <Conditions conditions={environment.conditions} />
      <Facts project={project} environment={environment} />
      <Group gap="xs">
        <Button
          component={Link}
          to={`${projectPath(project.slug, "logs")}?environment=${kind}`}
          size="xs"
          variant="default"
          leftSection={<ScrollText size={14} aria-hidden />}
          aria-label={`Logs of ${kind}`}
        >
          Logs
        </Button>
      </Group>
    </>
  );
}

function Addresses({ project, environment: { kind, endpoints, phase } }: Props) {
  const settings = useSettings();
  // Nothing of it answers where the worker has seen no endpoint.
  if (endpoints.length === 0) return null;
  const addresses = [
    environmentUrl(settings, project.slug, kind),
    ...domainsOf(project.manifest, kind).map((domain) => gatewayUrl(settings, domain)),
  ];
  return (
    <Stack gap={4} align="flex-start">
      <Button
        component="a"
        href={addresses[0]}
        target="_blank"
        rel="noopener noreferrer"
        leftSection={<ExternalLink size={16} aria-hidden />}
        variant={phase === "running" ? "light" : "default"}
        aria-label={`Open ${kind} in a new tab`}
      >
        Open {kind}
      </Button>
      {addresses.map((address) => (
        <Anchor
          key={address}
          href={address}
          target="_blank"
          rel="noopener noreferrer"
          className="mono"
          size="sm"
        >
          {address}
        </Anchor>
      ))}
    </Stack>
  );
}

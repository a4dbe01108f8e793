import { Button, Group, NumberInput, Paper, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { servicesOf, vManifest } from "../../../../core/manifest.ts";
import { LIMITS } from "../../../../core/manifestFields.ts";
import type { ProjectView } from "../tabs.tsx";
import { replicasOf } from "./progress.ts";
import type { Deploys } from "./useDeploys.tsx";

type Props = { slug: string; environment: ProjectView["environments"][number]; deploys: Deploys };

/** How many replicas of each deployed service there are to be. */
export function Scale({ slug, environment, deploys }: Props) {
  const release = useQuery(
    api.releases.get,
    environment.release === null ? "skip" : { project: slug, number: environment.release },
  );
  const manifest = vManifest.safeParse(release?.manifest).data;
  if (!manifest) return null;
  const common = manifest.environments.deploy.replicas ?? 1;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
      {Object.entries(servicesOf(manifest)).map(([service, { replicas = common }]) => (
        <ServiceScale
          key={service}
          service={service}
          running={replicasOf(environment.services, service)}
          written={replicas}
          deploys={deploys}
        />
      ))}
    </SimpleGrid>
  );
}

type ServiceProps = { service: string; running: number; written: number; deploys: Deploys };

function ServiceScale({ service, running, written, deploys }: ServiceProps) {
  const [typed, setTyped] = useState<number | string | null>(null);
  const value = typed ?? running;
  const { least, most } = LIMITS.replicas;
  const isGood = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
  const ask = async (replicas: number | null) => {
    if (await deploys.scale(service, replicas)) setTyped(null);
  };
  return (
    <Paper withBorder p="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood) void ask(value);
        }}
      >
        <Stack gap="xs">
          <Group justify="space-between" gap="xs">
            <Text fw={600} size="sm">
              {service}
            </Text>
            <Text size="sm" c="dimmed">
              {running} running, manifest says {written}
            </Text>
          </Group>
          <Group gap="xs" align="flex-end">
            <NumberInput
              label="Replicas"
              size="xs"
              w={90}
              min={least}
              max={most}
              clampBehavior="none"
              allowDecimal={false}
              value={value}
              onChange={setTyped}
              error={!isGood}
            />
            <Button
              type="submit"
              size="xs"
              variant="default"
              disabled={!isGood || typed === null || value === running || deploys.isBusy}
            >
              Scale
            </Button>
            {running !== written && (
              <Button size="xs" variant="default" disabled={deploys.isBusy} onClick={() => void ask(null)}>
                As the manifest says
              </Button>
            )}
          </Group>
          {!isGood && (
            <Text size="xs" c="var(--mantine-color-error)">
              {least} to {most} replicas.
            </Text>
          )}
        </Stack>
      </form>
    </Paper>
  );
}

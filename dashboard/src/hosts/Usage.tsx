import { Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { api } from "../../../convex/_generated/api";
import { Ago } from "../shared/Ago.tsx";
import { Meter } from "../shared/Meter.tsx";
import type { Host } from "./HostsPage.tsx";
import { ofBytes, ofCpus } from "./words.ts";

/** What a host uses now, all that runs there. */
export function Usage({ host }: { host: Host }) {
  const usage = useQuery(api.hosts.usage, { hostId: host.hostId });
  if (usage === undefined) return <Text size="sm">…</Text>;
  if (usage === null) {
    return <Text size="sm">Its worker has told nothing yet: it does so each half minute while it runs.</Text>;
  }
  const diskUsed = usage.diskTotalBytes - usage.diskFreeBytes;
  return (
    <Stack gap="xs">
      <Meter label="CPU" value={usage.cpu} most={host.cpus} words={ofCpus(usage.cpu, host.cpus)} />
      <Meter
        label="Memory"
        value={usage.memoryBytes}
        most={host.memoryBytes}
        words={ofBytes(usage.memoryBytes, host.memoryBytes)}
      />
      <Meter
        label="Docker's disk"
        value={diskUsed}
        most={usage.diskTotalBytes}
        words={ofBytes(diskUsed, usage.diskTotalBytes)}
      />
      <Text size="sm" c="dimmed">
        {usage.containers} containers, {usage.networks} networks, {usage.volumes} volumes of Slipway&apos;s;
        load {usage.loadAverage.toFixed(2)}. As of <Ago at={usage.at} />.
      </Text>
    </Stack>
  );
}

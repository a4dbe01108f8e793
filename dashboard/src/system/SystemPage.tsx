import { Stack } from "@mantine/core";
import { useQuery } from "convex/react";
import { api } from "../../../convex/_generated/api";
import { Page } from "../shared/Page.tsx";
import { Checks } from "./Checks.tsx";
import { Counts } from "./Counts.tsx";
import { Health } from "./Health.tsx";

/** Whether Slipway itself is well: its parts, what is wrong with its hosts, and what to do about it. */
export function SystemPage() {
  const hosts = useQuery(api.hosts.listHosts, {});
  return (
    <Page title="System">
      <Stack gap="xl">
        <Health hosts={hosts} />
        <Checks hosts={hosts} />
        <Counts />
      </Stack>
    </Page>
  );
}

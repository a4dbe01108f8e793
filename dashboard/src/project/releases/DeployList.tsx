import { Accordion, Button, Group, Stack, Text } from "@mantine/core";
import type { FunctionReturnType } from "convex/server";
import { useState } from "react";
import type { api } from "../../../../convex/_generated/api";
import type { DeployKind } from "../../../../core/deploys.ts";
import { describeReceipt } from "../../../../core/rollout.ts";
import { Ago } from "../../shared/Ago.tsx";
import { Facts } from "../../shared/Facts.tsx";
import { duration } from "../../shared/format.ts";
import { Mark } from "../../shared/marks.tsx";
import { DEPLOY_LOOKS } from "./looks.ts";
import { Receipt } from "./Receipt.tsx";

export type Deploy = FunctionReturnType<typeof api.releases.listDeploys>["page"][number];

const WORDS: Record<DeployKind, string> = { deploy: "Deploy", rollback: "Roll back", canary: "Canary" };

/** The deploys, newest first; each opens to what it cost. */
export function DeployList({ deploys, onMore }: { deploys: Deploy[]; onMore?: () => void }) {
  const [opened, setOpened] = useState<string | null>(null);
  return (
    <Stack gap="xs">
      <Accordion variant="separated" order={3} value={opened} onChange={setOpened}>
        {deploys.map((deploy) => (
          <Accordion.Item key={deploy.number} value={String(deploy.number)}>
            <Accordion.Control>
              <Group gap="sm">
                <Text size="sm" fw={600}>
                  {WORDS[deploy.kind]} {deploy.number}
                </Text>
                <Mark look={DEPLOY_LOOKS[deploy.state]}>{deploy.state}</Mark>
                <Text size="sm">
                  release {deploy.release}
                  {deploy.percent !== null && ` for ${deploy.percent} % of the requests`}
                </Text>
                <Text size="sm" c="dimmed">
                  <Ago at={deploy.startedAt} />
                </Text>
              </Group>
            </Accordion.Control>
            <Accordion.Panel>
              {opened === String(deploy.number) && <DeployDetails deploy={deploy} />}
            </Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
      {onMore && (
        <Button variant="default" size="xs" w="fit-content" onClick={onMore}>
          Older deploys
        </Button>
      )}
    </Stack>
  );
}

function DeployDetails({ deploy }: { deploy: Deploy }) {
  const { by, startedAt, switchedAt, endedAt, cause, receipt } = deploy;
  return (
    <Stack gap="sm">
      <Facts
        facts={[
          ["By", by],
          ["Began", new Date(startedAt).toLocaleString()],
          ["Switched", switchedAt === null ? "–" : `after ${duration(Math.max(0, switchedAt - startedAt))}`],
          ["Over", endedAt === null ? "not yet" : `after ${duration(Math.max(0, endedAt - startedAt))}`],
          ...(cause === null ? [] : [["Because", cause] as [string, string]]),
        ]}
      />
      {receipt ? (
        <>
          <Text size="sm">{describeReceipt(receipt)}.</Text>
          <Receipt receipt={receipt} />
        </>
      ) : (
        <Text size="sm" c="dimmed">
          There is no receipt: nothing was switched.
        </Text>
      )}
    </Stack>
  );
}

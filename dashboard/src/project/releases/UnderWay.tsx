import { Alert, Button, Group, List, Loader, Stack, Text } from "@mantine/core";
import { Bird } from "lucide-react";
import { Ago } from "../../shared/Ago.tsx";
import type { ProjectView } from "../tabs.tsx";
import type { Deploy } from "./DeployList.tsx";
import { progressOf } from "./progress.ts";
import type { Deploys } from "./useDeploys.tsx";

type Props = {
  deploy: Deploy;
  environment: ProjectView["environments"][number] | undefined;
  mayDeploy: boolean;
  deploys: Deploys;
};

/** A rollout or a canary that goes on now: how far it is, and, of a canary, what can be decided. */
export function UnderWay({ deploy, environment, mayDeploy, deploys }: Props) {
  const isCanary = deploy.state === "canary";
  const { words, isReady } = progressOf(environment?.services ?? []);
  return (
    <Alert
      color={isCanary ? "orange" : "blue"}
      icon={isCanary ? <Bird aria-hidden /> : <Loader size="sm" aria-hidden />}
      title={
        isCanary
          ? `Release ${deploy.release} gets ${deploy.percent} % of the requests`
          : `Release ${deploy.release} is on its way`
      }
      role="status"
    >
      <Stack gap="sm">
        <Text size="sm">
          {deploy.by} began <Ago at={deploy.startedAt} />. {words}
          {!isCanary && isReady && " Requests are switched, and the containers before are drained."}
        </Text>
        {environment && environment.message !== "" && <Text size="sm">{environment.message}</Text>}
        {environment && environment.services.length > 0 && (
          <List size="sm">
            {environment.services.map(({ service, replica, containerId, state, health }) => (
              <List.Item key={containerId}>
                {service} {replica}: {state}
                {health !== "none" && `, ${health}`}
              </List.Item>
            ))}
          </List>
        )}
        {isCanary && mayDeploy && (
          <Group gap="xs">
            <Button size="xs" loading={deploys.isBusy} onClick={() => void deploys.promote()}>
              Promote to all requests
            </Button>
            <Button
              size="xs"
              variant="default"
              disabled={deploys.isBusy}
              onClick={() => void deploys.abort()}
            >
              Take it back
            </Button>
          </Group>
        )}
      </Stack>
    </Alert>
  );
}

import { Badge, Group, List, Loader, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "convex/react";
import { Bot, CircleDashed, CirclePause, CirclePlay } from "lucide-react";
import { api } from "../../../../convex/_generated/api";
import type { AgentName, AgentState } from "../../../../core/lifecycle.ts";
import { useAccess } from "../../session/Session.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { Mark, type Look } from "../../shared/marks.tsx";
import { Section } from "../../shared/Section.tsx";
import type { TabProps } from "../tabs.tsx";
import { TokensSection } from "./TokensSection.tsx";

const LOOKS: Record<AgentState, Look> = {
  none: { Icon: CircleDashed, color: "gray" },
  made: { Icon: CircleDashed, color: "blue" },
  active: { Icon: CirclePlay, color: "green" },
  idle: { Icon: CirclePause, color: "cyan" },
};

const WORK: Record<AgentName, string> = {
  planner: "Turns an idea into a plan, and begins the development.",
  developer: "Writes the code in dev, and sends it to be tested.",
  tester: "Looks at what the tests say, and sends it back where they fail.",
  deployer: "Brings what passed to its users, and takes it back.",
};

/** Who works on the project by itself, what each may do, and the tokens that let them in. */
export function AgentsTab({ project }: TabProps) {
  const { isAdmin } = useAccess();
  const agents = useQuery(api.agents.listAgents, { project: project.slug });
  return (
    <Stack gap="xl">
      <Section
        title="Agents"
        about="Named actors of this project. A token lets a program act as one of them; what it may do now follows from the project's status."
      >
        {agents === undefined && <Loader aria-label="Loading" />}
        {agents?.length === 0 && (
          <Empty Icon={Bot} title="No agents yet">
            They are made when the planning of the project starts.
          </Empty>
        )}
        {agents && agents.length > 0 && (
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            {agents.map(({ name, state, verbs }) => (
              <Paper key={name} withBorder p="sm">
                <Group justify="space-between" gap="xs">
                  <Title order={3} size="h5">
                    {name}
                  </Title>
                  <Mark look={LOOKS[state]}>{state}</Mark>
                </Group>
                <Text size="sm" c="dimmed" my={6}>
                  {WORK[name]}
                </Text>
                <Verbs verbs={verbs} label={`What the ${name} may do`} />
              </Paper>
            ))}
          </SimpleGrid>
        )}
        {agents?.some(({ state }) => state === "idle") && (
          <Text size="sm">
            While the project is {project.status}, agents may look and report, but move nothing.
          </Text>
        )}
      </Section>
      {isAdmin && <TokensSection project={project} />}
    </Stack>
  );
}

export function Verbs({ verbs, label }: { verbs: readonly string[]; label: string }) {
  return (
    <List listStyleType="none" spacing={0} aria-label={label} className="chips">
      {verbs.map((verb) => (
        <List.Item key={verb}>
          <Badge variant="default" size="sm" tt="none" fw={500} className="mono">
            {verb}
          </Badge>
        </List.Item>
      ))}
    </List>
  );
}

import { Loader, NativeSelect, Stack, Text } from "@mantine/core";
import { useQuery } from "convex/react";
import { Lock, ScrollText } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import { useAccess } from "../../session/Session.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { serviceNames } from "../environments.ts";
import { KindPicker } from "../KindPicker.tsx";
import { runsIn } from "../overview/environmentText.ts";
import { Section } from "../Section.tsx";
import type { ProjectView, TabProps } from "../tabs.tsx";
import { useKind } from "../useKind.ts";
import { LogView } from "./LogView.tsx";

/** What Convex gives at once; the whole log stays with Docker. */
const LINES = 1000;

/** What the containers of an environment write, as they write it. */
export function LogsTab({ project }: TabProps) {
  const { may } = useAccess();
  if (!may("logs")) {
    return (
      <Section title="Logs">
        <Empty Icon={Lock} title="Not for this token">
          It may not read logs. An admin makes one that may:{" "}
          <code>slipway token create --role viewer --project {project.slug}</code>.
        </Empty>
      </Section>
    );
  }
  return <Logs project={project} />;
}

function Logs({ project }: { project: ProjectView }) {
  const [kind, setKind] = useKind(project);
  const [service, setService] = useState("");
  const lines = useQuery(api.logs.tail, {
    project: project.projectId,
    environment: kind,
    limit: LINES,
    ...(service !== "" && { service }),
  });
  const pickers = (
    <>
      <KindPicker value={kind} onChange={setKind} />
      <NativeSelect
        aria-label="Service"
        value={service}
        data={[
          { value: "", label: "All services" },
          ...serviceNames(project).map((name) => ({ value: name, label: name })),
        ]}
        onChange={(event) => setService(event.currentTarget.value)}
      />
    </>
  );
  return (
    <Section title="Logs" actions={<>{pickers}</>}>
      {lines === undefined ? (
        <Loader aria-label="Loading" />
      ) : lines.length === 0 ? (
        <NoLines project={project} kind={kind} service={service} />
      ) : (
        <Stack gap="xs">
          <LogView
            key={`${kind} ${service}`}
            lines={lines}
            name={`${project.slug}-${kind}${service === "" ? "" : `-${service}`}`}
          />
          <Text size="sm" c="dimmed">
            {lines.length >= LINES ? `The newest ${LINES} lines. All there are: ` : "From a terminal: "}
            <code>
              slipway logs {project.slug} {kind} -f
            </code>
          </Text>
        </Stack>
      )}
    </Section>
  );
}

type NoLinesProps = { project: ProjectView; kind: EnvironmentKind; service: string };

function NoLines({ project, kind, service }: NoLinesProps) {
  const environment = project.environments.find((one) => one.kind === kind);
  const isRunning = environment?.phase === "running";
  return (
    <Empty
      Icon={ScrollText}
      title={service === "" ? `${kind} has written nothing` : `${service} has written nothing`}
    >
      {isRunning
        ? "It runs. What its containers write to standard output and error appears here by itself, within a second."
        : `It does not run now. It starts when the project moves to ${runsIn(kind)}; what it writes then appears here by itself.`}
    </Empty>
  );
}

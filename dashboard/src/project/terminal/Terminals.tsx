import { NativeSelect, Switch } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useState } from "react";
import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import { KindPicker } from "../KindPicker.tsx";
import { Section } from "../Section.tsx";
import type { ProjectView } from "../tabs.tsx";
import { useKind } from "../useKind.ts";
import { runningServices } from "./terminalKinds.ts";
import { Screen } from "./Screen.tsx";

type Props = { project: ProjectView; kinds: EnvironmentKind[] };

/** Which container to look into, and the screen. */
export function Terminals({ project, kinds }: Props) {
  const [asked, setKind] = useKind(project);
  const kind = kinds.includes(asked) ? asked : kinds[0]!;
  const environment = project.environments.find((one) => one.kind === kind)!;
  const services = runningServices(environment);
  const [wanted, setService] = useState<string | null>(null);
  const service = services.find((one) => one === wanted) ?? services[0]!;
  const [isReadAloud, setReadAloud] = useLocalStorage({
    key: "slipway.terminal.readAloud",
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  return (
    <Section
      title="Terminal"
      actions={
        <>
          {kinds.length > 1 && <KindPicker value={kind} onChange={setKind} kinds={kinds} />}
          <NativeSelect
            aria-label="Service"
            value={service}
            data={services}
            onChange={(event) => setService(event.currentTarget.value)}
          />
          <Switch
            size="sm"
            label="For screen readers"
            checked={isReadAloud}
            onChange={(event) => setReadAloud(event.currentTarget.checked)}
          />
        </>
      }
    >
      <Screen
        key={`${kind} ${service}`}
        namespace={project.namespace}
        kind={kind}
        service={service}
        isReadAloud={isReadAloud}
      />
    </Section>
  );
}

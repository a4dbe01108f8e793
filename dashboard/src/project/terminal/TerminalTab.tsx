import { Loader } from "@mantine/core";
import { SquareTerminal } from "lucide-react";
import { Suspense } from "react";
import { useAccess } from "../../session/Session.tsx";
import { useSettings } from "../../session/Backend.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { lazily } from "../../shared/lazily.ts";
import { OtherHost } from "../OtherHost.tsx";
import { runsIn } from "../overview/environmentText.ts";
import { Section } from "../Section.tsx";
import type { TabProps } from "../tabs.tsx";
import { terminalKinds } from "./terminalKinds.ts";

// xterm.js is large, and few look at it.
const Terminals = lazily(async () => (await import("./Terminals.tsx")).Terminals);

/** A shell in a container of the project. */
export function TerminalTab({ project }: TabProps) {
  const { person } = useAccess();
  const { host } = useSettings();
  const kinds = terminalKinds(project.environments, person.role);
  if (project.host !== host) {
    return (
      <Section title="Terminal">
        <OtherHost project={project} what="A terminal" />
      </Section>
    );
  }
  if (kinds.length === 0) {
    return (
      <Section title="Terminal">
        <Empty Icon={SquareTerminal} title="Nothing runs that could have one">
          A terminal is a shell in a running container. dev starts when the project moves to {runsIn("dev")}:
          begin with that on the Overview tab.
        </Empty>
      </Section>
    );
  }
  return (
    <Suspense fallback={<Loader aria-label="Loading" />}>
      <Terminals project={project} kinds={kinds} />
    </Suspense>
  );
}

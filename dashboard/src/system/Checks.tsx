import { Button, Loader, Paper, Stack, Text, Title } from "@mantine/core";
import { Stethoscope } from "lucide-react";
import * as z from "zod";
import { FINDING_LOOKS } from "../hosts/marks.ts";
import { useSettings } from "../session/Backend.tsx";
import { useAccess, useSession } from "../session/Session.tsx";
import { Ago } from "../shared/Ago.tsx";
import { askDoor, doorPath } from "../shared/door.ts";
import { Empty } from "../shared/Empty.tsx";
import { Mark } from "../shared/marks.tsx";
import { Section } from "../shared/Section.tsx";
import { useDoing } from "../shared/useDoing.ts";
import { byGravity, summaryOf, type Finding, type HostChecks } from "./findings.ts";

/** The checks may each take 20 s; a busy machine needs more. */
const DEADLINE_MS = 90_000;

/** What `slipway doctor` knows of each host, and what to do about it. */
export function Checks({ hosts }: { hosts: HostChecks[] | undefined }) {
  const { isAdmin } = useAccess();
  return (
    <Section
      title="Checks"
      about={
        <>
          What <code>slipway doctor</code> knows: each worker checks its host at its start and every ten
          minutes.
        </>
      }
      actions={isAdmin && hosts && hosts.length > 0 && <CheckNow />}
    >
      {hosts === undefined && <Loader aria-label="Loading" />}
      {hosts?.length === 0 && (
        <Empty Icon={Stethoscope} title="Nobody checks anything yet">
          A worker does. Start one: <code>npm start</code>.
        </Empty>
      )}
      {hosts?.map(({ name, checks }) => (
        <Stack key={name} gap="xs">
          <div>
            <Title order={3} size="h5">
              {name}
            </Title>
            <Text size="sm" c="dimmed">
              {checks.at === null ? (
                "Its worker has not told what it found yet."
              ) : (
                <>
                  {summaryOf(checks.findings)}, checked <Ago at={checks.at} />
                </>
              )}
            </Text>
          </div>
          {checks.findings.length > 0 && <Findings findings={checks.findings} label={`What ${name} found`} />}
        </Stack>
      ))}
    </Section>
  );
}

/** Has the worker that serves this page check now; what it finds comes by subscription. */
function CheckNow() {
  const { token } = useSession();
  const { host } = useSettings();
  const { run, isBusy } = useDoing();
  const check = () =>
    run({ doing: `Checking ${host}`, done: `${host} is checked` }, () =>
      askDoor({
        path: doorPath("doctor"),
        token,
        method: "POST",
        schema: z.unknown(),
        deadlineMs: DEADLINE_MS,
      }),
    );
  return (
    <Button
      size="xs"
      variant="default"
      loading={isBusy}
      leftSection={<Stethoscope size={14} aria-hidden />}
      onClick={() => void check()}
    >
      Check {host} now
    </Button>
  );
}

function Findings({ findings, label }: { findings: Finding[]; label: string }) {
  return (
    <Paper withBorder component="ul" aria-label={label} className="findings">
      {byGravity(findings).map(({ title, state, detail, fix }) => (
        <li key={title}>
          <Text size="sm" fw={600}>
            {title}
          </Text>
          <Mark look={FINDING_LOOKS[state]} size="sm">
            {state}
          </Mark>
          <div>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {detail}
            </Text>
            {fix !== null && (
              <Text size="sm" fw={600} style={{ overflowWrap: "anywhere" }}>
                {fix}
              </Text>
            )}
          </div>
        </li>
      ))}
    </Paper>
  );
}

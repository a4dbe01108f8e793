import { Button, Group, Loader, Paper, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "convex/react";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { useAccess } from "../../session/Session.tsx";
import { Ago } from "../../shared/Ago.tsx";
import { ConfirmByName } from "../../shared/ConfirmByName.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { Section } from "../../shared/Section.tsx";
import { useDoing } from "../../shared/useDoing.ts";
import type { TabProps } from "../tabs.tsx";
import { SetSecret } from "./SetSecret.tsx";
import { purposeOfSecret } from "./uses.ts";

/** The names of a project's secrets. What they say is nowhere to be seen: only its worker opens them. */
export function SecretsTab({ project }: TabProps) {
  const { slug, manifest } = project;
  const { isAdmin } = useAccess();
  const secrets = useQuery(api.secrets.listSecrets, { project: slug });
  const [replacing, setReplacing] = useState("");
  const [removing, setRemoving] = useState<string | null>(null);
  const remove = useMutation(api.secrets.removeSecret);
  const { run, isBusy } = useDoing();
  const removeIt = async (name: string) => {
    await run({ doing: `Removing ${name}`, done: `${name} is removed; what runs restarts without it` }, () =>
      remove({ project: slug, name }),
    );
    setRemoving(null);
  };
  return (
    <Stack gap="xl">
      <Section
        title="Secrets"
        about="Variables of the project's services that nobody can read here. What runs restarts when one changes."
      >
        {secrets === undefined && <Loader aria-label="Loading" />}
        {secrets?.length === 0 && (
          <Empty Icon={KeyRound} title="No secrets yet">
            {isAdmin
              ? "Set the first one below: a key of an interface, or a password. It is sealed in this browser before it leaves it."
              : "An admin sets them."}
          </Empty>
        )}
        <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
          {secrets?.map(({ name, setAt, setBy, version }) => (
            <Paper component="li" key={name} withBorder p="sm">
              <Group justify="space-between" gap="sm">
                <div>
                  <Text fw={600} size="sm" className="mono">
                    {name}
                  </Text>
                  <Text size="sm" c="dimmed">
                    {purposeOfSecret(manifest, name)} · set by {setBy} <Ago at={setAt} /> · version{" "}
                    <span className="mono">{version.slice(0, 8)}</span>
                  </Text>
                </div>
                {isAdmin && (
                  <Group gap="xs">
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`Replace ${name}`}
                      onClick={() => setReplacing(name)}
                    >
                      Replace
                    </Button>
                    <Button
                      size="xs"
                      variant="default"
                      aria-label={`Remove ${name}`}
                      onClick={() => setRemoving(name)}
                    >
                      Remove
                    </Button>
                  </Group>
                )}
              </Group>
            </Paper>
          ))}
        </Stack>
      </Section>
      {isAdmin && (
        <SetSecret key={replacing} project={project} name={replacing} onSet={() => setReplacing("")} />
      )}
      <ConfirmByName
        isOpen={removing !== null}
        title={`Remove ${removing ?? ""}?`}
        consequence={`The services of ${slug} run without it from now on. What it said is kept nowhere.`}
        name={removing ?? ""}
        verb="Remove"
        isBusy={isBusy}
        onConfirm={() => removing !== null && void removeIt(removing)}
        onClose={() => setRemoving(null)}
      />
    </Stack>
  );
}

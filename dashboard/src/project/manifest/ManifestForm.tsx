import { Alert, Badge, Button, Group, List, Stack, Text } from "@mantine/core";
import { useMutation } from "convex/react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { ManifestEditor } from "../../create/ManifestEditor.tsx";
import { readManifest } from "../../create/manifestText.ts";
import { useAccess } from "../../session/Session.tsx";
import { Problem } from "../../shared/Problem.tsx";
import { Section } from "../../shared/Section.tsx";
import { useDoing } from "../../shared/useDoing.ts";
import type { ProjectView, TabProps } from "../tabs.tsx";
import { ManifestDiff } from "./ManifestDiff.tsx";
import { Overtaken } from "./Overtaken.tsx";
import { changeOf, fateOf, type Change } from "./plan.ts";
import { manifestYaml } from "./withoutDefaults.ts";

/** What somebody began to edit: the manifest as it was then. */
type Base = { revision: number; text: string; manifest: unknown };

const baseOf = ({ manifest, manifestRevision }: ProjectView): Base => ({
  revision: manifestRevision,
  text: manifestYaml(manifest),
  manifest: manifest as unknown,
});

/** The manifest: to read, and, for admins, to change. */
export function ManifestForm({ project }: TabProps) {
  const { isAdmin } = useAccess();
  const [base, setBase] = useState(() => baseOf(project));
  const [text, setText] = useState(base.text);
  // What the editor begins with, and how often it was begun anew.
  const [begun, setBegun] = useState({ text: base.text, times: 0 });
  const update = useMutation(api.projects.updateManifest);
  const { run, isBusy, problem, forget } = useDoing();

  const isEdited = text !== base.text;
  const isOvertaken = project.manifestRevision !== base.revision;
  const show = (next: Base) => {
    setBase(next);
    setText(next.text);
    setBegun(({ times }) => ({ text: next.text, times: times + 1 }));
    forget();
  };
  // Nobody has typed anything: what is new comes in by itself.
  if (isOvertaken && !isEdited && !isBusy) show(baseOf(project));

  const { input, findings } = readManifest(text);
  const change = input && changeOf(base.manifest, input);
  const isChanged = change !== null && change.paths.length > 0;
  const save = async () => {
    const saved = await run(
      {
        doing: `Saving the manifest of ${project.slug}`,
        done: `The manifest of ${project.slug} is saved`,
        isQuietOnFailure: true,
      },
      async () => {
        const { revision } = await update({
          project: project.slug,
          manifest: input,
          expectedRevision: base.revision,
        });
        setBase({ revision, text, manifest: input });
      },
    );
    if (saved) forget();
  };

  return (
    <Stack gap="xl">
      <Section
        title="Manifest"
        about="What is to be run. What Slipway fills in by itself is left out."
        actions={<Badge variant="default">revision {base.revision}</Badge>}
      >
        {isOvertaken && isEdited && !isBusy && (
          <Overtaken
            project={project}
            base={base.revision}
            mine={text}
            onTakeTheirs={() => show(baseOf(project))}
            onKeepMine={() => {
              setBase(baseOf(project));
              forget();
            }}
          />
        )}
        <ManifestEditor
          key={begun.times}
          initial={begun.text}
          onChange={setText}
          label="Manifest"
          isReadOnly={!isAdmin}
        />
        {findings.length > 0 && (
          <Alert color="red" title={`${findings.length} to correct`} role="status">
            <List size="sm">
              {findings.map(({ message, from }) => (
                <List.Item key={`${from} ${message}`}>{message}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        {problem && <Problem problem={problem} />}
        {isAdmin && (
          <Group>
            <Button disabled={!isChanged || isOvertaken} loading={isBusy} onClick={() => void save()}>
              Save
            </Button>
            <Button variant="default" disabled={!isEdited || isBusy} onClick={() => show(baseOf(project))}>
              Put back
            </Button>
            <Text size="sm" c="dimmed" role="status">
              {!isEdited
                ? "Nothing is changed."
                : change && !isChanged
                  ? "It says the same in other words."
                  : ""}
            </Text>
          </Group>
        )}
      </Section>
      {isChanged && (
        <Section title="What saving changes">
          <Fates project={project} change={change} />
          <ManifestDiff
            before={base.text}
            after={text}
            beforeLabel={`Revision ${base.revision}`}
            afterLabel="Yours"
            paths={change.paths}
          />
        </Section>
      )}
    </Stack>
  );
}

/** What becomes of each environment that the change concerns. */
function Fates({ project, change }: { project: ProjectView; change: Change }) {
  const concerned = project.environments.filter(({ kind }) => change.kinds.includes(kind));
  if (concerned.length === 0) return <Text size="sm">No environment is concerned.</Text>;
  return (
    <List size="sm">
      {concerned.map((environment) => (
        <List.Item key={environment.kind}>
          <b>{environment.kind}</b> {fateOf(environment)}.
        </List.Item>
      ))}
    </List>
  );
}

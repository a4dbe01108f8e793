import { Alert, Button, Code, Group, Paper, Stack, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "convex/react";
import { ShieldOff } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { Problem } from "../../shared/Problem.tsx";
import { Section } from "../../shared/Section.tsx";
import { useDoing } from "../../shared/useDoing.ts";
import type { ProjectView } from "../tabs.tsx";
import { nameProblem, valueProblem } from "./secretName.ts";

type Props = {
  project: ProjectView;
  /** Of the one that is to be replaced; empty: a new one. */
  name: string;
  onSet: () => void;
};

/** Sets a secret: sealed here, for the workers alone, before it leaves the browser. */
export function SetSecret({ project, name, onSet }: Props) {
  return (
    <Section
      title={name === "" ? "Set a secret" : `Replace ${name}`}
      about="It is sealed in this browser: Convex keeps what only the project's worker can open."
    >
      {canSeal() ? <Form project={project} name={name} onSet={onSet} /> : <CannotSeal project={project} />}
    </Section>
  );
}

/** Browsers give cryptography to pages from https and from this machine, and to no others. */
function canSeal(): boolean {
  return window.isSecureContext && "subtle" in crypto;
}

function CannotSeal({ project }: { project: ProjectView }) {
  return (
    <Alert
      color="yellow"
      icon={<ShieldOff aria-hidden />}
      title="This browser does not let the page seal anything"
    >
      <Stack gap="xs">
        <span>It came over plain http from another machine. Open it by https or at localhost, or type</span>
        <Code block>slipway secret set {project.slug} NAME</Code>
      </Stack>
    </Alert>
  );
}

function Form({ project, name, onSet }: Props) {
  const { slug, namespace } = project;
  const key = useQuery(api.secrets.sealingKey, {});
  const set = useMutation(api.secrets.setSecret);
  const { run, isBusy, problem } = useDoing();
  const [typedName, setTypedName] = useState(name);
  const [value, setValue] = useState("");
  const wrongName = nameProblem(typedName);
  const wrongValue = valueProblem(value);
  const isGood = wrongName === null && wrongValue === null && key !== undefined;
  const save = async () => {
    if (!key) return;
    const saved = await run(
      {
        doing: `Sealing ${typedName}`,
        done: `${typedName} is set; what runs of ${slug} restarts with it`,
        isQuietOnFailure: true,
      },
      async () => {
        const { sealSecret } = await import("../../../../core/sealing.ts");
        const sealed = await sealSecret(key, { namespace, name: typedName }, value);
        await set({ project: slug, name: typedName, sealed });
      },
    );
    if (!saved) return;
    setValue("");
    setTypedName("");
    onSet();
  };
  return (
    <Paper
      withBorder
      p="sm"
      maw={640}
      component="form"
      onSubmit={(event: React.FormEvent) => {
        event.preventDefault();
        if (isGood) void save();
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="As the services see it, like API_KEY."
          autoComplete="off"
          spellCheck={false}
          readOnly={name !== ""}
          value={typedName}
          error={typedName !== "" && wrongName}
          onChange={(event) => setTypedName(event.currentTarget.value)}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        />
        <Textarea
          label="Value"
          description="Kept as it is, line breaks too."
          autoComplete="off"
          spellCheck={false}
          autosize
          minRows={2}
          maxRows={8}
          value={value}
          error={value !== "" && wrongValue}
          onChange={(event) => setValue(event.currentTarget.value)}
          data-autofocus={name !== "" || undefined}
          autoFocus={name !== ""}
          className="concealed"
        />
        {problem && <Problem problem={problem} />}
        <Group>
          <Button type="submit" disabled={!isGood} loading={isBusy}>
            {name === "" ? "Set" : "Replace"}
          </Button>
          {name !== "" && (
            <Button variant="default" onClick={onSet}>
              Cancel
            </Button>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}

import {
  Alert,
  Button,
  Checkbox,
  Code,
  CopyButton,
  Group,
  Modal,
  NativeSelect,
  Radio,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useAction } from "convex/react";
import { Check, Copy, Eye } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { VERBS, verbsOf } from "../../../../core/access.ts";
import { AGENT_NAMES, type AgentName } from "../../../../core/lifecycle.ts";
import { Problem } from "../../shared/Problem.tsx";
import { useDoing } from "../../shared/useDoing.ts";
import { LIFETIMES } from "./tokenState.ts";

const MAX_NOTE = 200;

type Props = { isOpen: boolean; slug: string; onClose: () => void };

/** Makes a token of the project, and shows it once. It is kept nowhere, here neither. */
export function NewToken({ isOpen, slug, onClose }: Props) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={`New token of ${slug}`} centered size="lg">
      {isOpen && <Making slug={slug} onClose={onClose} />}
    </Modal>
  );
}

function Making({ slug, onClose }: Omit<Props, "isOpen">) {
  const create = useAction(api.tokens.createToken);
  const { run, isBusy, problem } = useDoing();
  const [role, setRole] = useState<"agent" | "viewer">("agent");
  const [agent, setAgent] = useState<AgentName>("developer");
  const [verbs, setVerbs] = useState<string[]>(verbsOf("developer"));
  const [ttl, setTtl] = useState<string>(LIFETIMES[1].value);
  const [subject, setSubject] = useState("");
  const [note, setNote] = useState("");
  const [token, setToken] = useState<string | null>(null);

  if (token !== null) return <Made token={token} onClose={onClose} />;
  const make = () =>
    run({ doing: "Making a token", done: "The token is made", isQuietOnFailure: true }, async () => {
      const made = await create({
        role,
        project: slug,
        ttlMs: Number(ttl),
        ...(role === "agent" && { agent, verbs }),
        ...(subject.trim() !== "" && { subject: subject.trim() }),
        ...(note.trim() !== "" && { note: note.trim() }),
      });
      setToken(made.token);
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <Stack>
        <Radio.Group
          label="For"
          value={role}
          onChange={(value) => setRole(value === "viewer" ? "viewer" : "agent")}
        >
          <Group mt={4}>
            <Radio value="agent" label="an agent, to work" />
            <Radio value="viewer" label="a viewer, to look" />
          </Group>
        </Radio.Group>
        {role === "agent" && (
          <>
            <NativeSelect
              label="Agent"
              description="Gives it the verbs of its work."
              value={agent}
              data={[...AGENT_NAMES]}
              onChange={({ currentTarget: { value } }) => {
                const chosen = AGENT_NAMES.find((name) => name === value);
                if (!chosen) return;
                setAgent(chosen);
                setVerbs(verbsOf(chosen));
              }}
            />
            <Checkbox.Group
              label="What it may do"
              value={verbs}
              onChange={setVerbs}
              error={verbs.length === 0 && "It needs one at least."}
            >
              <SimpleGrid cols={{ base: 2, sm: 3 }} spacing={6} verticalSpacing={6} mt={6}>
                {VERBS.map((verb) => (
                  <Checkbox key={verb} size="xs" value={verb} label={<span className="mono">{verb}</span>} />
                ))}
              </SimpleGrid>
            </Checkbox.Group>
          </>
        )}
        <NativeSelect
          label="Good for"
          value={ttl}
          data={[...LIFETIMES]}
          onChange={(event) => setTtl(event.currentTarget.value)}
        />
        <TextInput
          label="Name"
          description="As the events show it; without one, the agent's or role's."
          maxLength={100}
          value={subject}
          onChange={(event) => setSubject(event.currentTarget.value)}
        />
        <TextInput
          label="Note"
          description="What it is for."
          maxLength={MAX_NOTE}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        {problem && <Problem problem={problem} />}
        {problem?.code === "setup" && (
          <Text size="sm">
            Where the key is, type <Code>{command({ slug, role, agent, ttlMs: Number(ttl) })}</Code>
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy} disabled={role === "agent" && verbs.length === 0}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function command({
  slug,
  role,
  agent,
  ttlMs,
}: {
  slug: string;
  role: string;
  agent: string;
  ttlMs: number;
}): string {
  const who = role === "agent" ? ` --agent ${agent}` : "";
  return `slipway token create --role ${role} --project ${slug}${who} --ttl ${ttlMs / 3_600_000}h`;
}

function Made({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <Stack>
      <Alert icon={<Eye aria-hidden />} color="yellow" title="It is shown this once">
        Copy it now. Slipway keeps only what it may do; a lost token is revoked, and another is made.
      </Alert>
      <Code block className="mono" style={{ whiteSpace: "pre-wrap" }} tabIndex={0} aria-label="The token">
        {token}
      </Code>
      <Group justify="flex-end">
        <CopyButton value={token}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              leftSection={copied ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
              onClick={copy}
              data-autofocus
            >
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}

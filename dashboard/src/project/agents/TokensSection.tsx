import { Button, Group, Loader, Modal, Paper, Stack, Text } from "@mantine/core";
import { useMutation, usePaginatedQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { CircleSlash, Hourglass, KeyRound, Plus, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { Ago } from "../../shared/Ago.tsx";
import { Empty } from "../../shared/Empty.tsx";
import { Mark, type Look } from "../../shared/marks.tsx";
import { Section } from "../../shared/Section.tsx";
import { useDoing } from "../../shared/useDoing.ts";
import { useNow } from "../../shared/useNow.ts";
import type { TabProps } from "../tabs.tsx";
import { Verbs } from "./AgentsTab.tsx";
import { NewToken } from "./NewToken.tsx";
import { tokenState, type TokenState } from "./tokenState.ts";

const PAGE = 20;

const LOOKS: Record<TokenState, Look> = {
  good: { Icon: ShieldCheck, color: "green" },
  over: { Icon: Hourglass, color: "gray" },
  revoked: { Icon: CircleSlash, color: "red" },
};

type Token = FunctionReturnType<typeof api.tokens.listTokens>["page"][number];

/** The tokens that were made for this project: never the tokens themselves. For admins. */
export function TokensSection({ project }: TabProps) {
  const { slug } = project;
  const { results, status, loadMore } = usePaginatedQuery(
    api.tokens.listTokens,
    { project: slug },
    { initialNumItems: PAGE },
  );
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const now = useNow();
  return (
    <Section
      title="Tokens"
      about="Each is for this project alone. A token is shown once, when it is made; only what it may do is kept."
      actions={
        <Button size="xs" leftSection={<Plus size={14} aria-hidden />} onClick={() => setMaking(true)}>
          New token
        </Button>
      }
    >
      {status === "LoadingFirstPage" && <Loader aria-label="Loading" />}
      {status !== "LoadingFirstPage" && results.length === 0 && (
        <Empty Icon={KeyRound} title="No tokens yet">
          Make one for an agent, and give it to the program that is to work on {slug}.
        </Empty>
      )}
      <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
        {results.map((token) => (
          <TokenRow key={token.tokenId} token={token} now={now} onRevoke={() => setRevoking(token)} />
        ))}
      </Stack>
      {status === "CanLoadMore" && (
        <Button variant="default" size="xs" w="fit-content" onClick={() => loadMore(PAGE)}>
          Older tokens
        </Button>
      )}
      <NewToken isOpen={isMaking} slug={slug} onClose={() => setMaking(false)} />
      <Modal
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        title={`Revoke the token of ${revoking?.subject ?? ""}?`}
        centered
      >
        {revoking && <Revoke token={revoking} onClose={() => setRevoking(null)} />}
      </Modal>
    </Section>
  );
}

function TokenRow({ token, now, onRevoke }: { token: Token; now: number; onRevoke: () => void }) {
  const state = tokenState(token, now);
  return (
    <Paper component="li" withBorder p="sm">
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <Text fw={600} size="sm">
            {token.subject}
          </Text>
          <Text size="sm">{token.role}</Text>
          <Mark look={LOOKS[state]}>{state}</Mark>
          <Text size="sm" c="dimmed">
            {state === "revoked" ? (
              <>
                revoked <Ago at={token.revokedAt!} />
              </>
            ) : (
              <>
                {state === "good" ? "ends" : "ended"} <Ago at={token.expiresAt} />
              </>
            )}
          </Text>
        </Group>
        {state === "good" && (
          <Button
            size="xs"
            variant="default"
            onClick={onRevoke}
            aria-label={`Revoke the token of ${token.subject}`}
          >
            Revoke
          </Button>
        )}
      </Group>
      {token.note && (
        <Text size="sm" mt={4}>
          {token.note}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={4}>
        <span className="mono">{token.tokenId}</span> · made by {token.issuedBy} <Ago at={token.issuedAt} />
      </Text>
      {token.verbs.length > 0 && (
        <div style={{ marginTop: 6 }}>
          <Verbs verbs={token.verbs} label="What it may do" />
        </div>
      )}
    </Paper>
  );
}

function Revoke({ token, onClose }: { token: Token; onClose: () => void }) {
  const revoke = useMutation(api.tokens.revokeToken);
  const { run, isBusy } = useDoing();
  const go = async () => {
    await run({ doing: "Revoking the token", done: `The token of ${token.subject} is revoked` }, () =>
      revoke({ tokenId: token.tokenId }),
    );
    onClose();
  };
  return (
    <Stack>
      <Text size="sm">
        Whatever uses it is refused from now on, everywhere. A revoked token does not come back; a new one can
        be made.
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red.9" loading={isBusy} onClick={() => void go()}>
          Revoke
        </Button>
      </Group>
    </Stack>
  );
}

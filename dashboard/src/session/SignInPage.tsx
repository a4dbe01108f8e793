import {
  Anchor,
  Button,
  Center,
  Code,
  Loader,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation } from "convex/react";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";
import { api } from "../../../convex/_generated/api";
import { codeOfFragment, openToken, signInCodeHash } from "../../../core/signInLink.ts";
import { Problem } from "../shared/Problem.tsx";
import { problemOf, type Problem as ProblemData } from "../shared/problem.ts";
import { useSession } from "./Session.tsx";
import { tokenIn } from "./token.ts";

/** In by a one-time link (`/sign-in#<code>`), or by pasting a token. */
export function SignInPage() {
  useDocumentTitle("Sign in · Slipway");
  const { person, isOver, signIn } = useSession();
  const { state } = useLocation();
  const link = useLink(signIn);
  if (person && !link.isGoing) return <Navigate to={placeIn(state)} replace />;
  if (link.isGoing) {
    return (
      <Center h="100%">
        <Loader aria-label="Signing in" />
      </Center>
    );
  }
  return (
    <Center mih="100%" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={460}>
        <Stack>
          <Title order={1} size="h2">
            Sign in to Slipway
          </Title>
          {link.problem && <Problem problem={link.problem} />}
          {isOver && !link.problem && (
            <Problem
              problem={{
                title: "Signed out",
                code: "unauthenticated",
                message: "The token that this browser had is over or was revoked.",
                hint: "Take a new link or token.",
              }}
            />
          )}
          <Text component="div">
            Type <Code>slipway open</Code> on the machine that runs Slipway: it opens this page, signed in.
          </Text>
          <TokenForm onToken={signIn} />
        </Stack>
      </Paper>
    </Center>
  );
}

function TokenForm({ onToken }: { onToken: (token: string) => void }) {
  const [text, setText] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = tokenIn(text);
    if (token) onToken(token);
    else setWrong(true);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput
          label="Or paste a token"
          description={
            <>
              <Anchor component="span" inherit className="mono">
                slipway token create --role viewer
              </Anchor>{" "}
              makes one.
            </>
          }
          value={text}
          autoComplete="off"
          error={isWrong && "This is no token: it has three parts with dots between them."}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setWrong(false);
          }}
        />
        <Button type="submit" disabled={text.trim() === ""}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

/** Takes the token that the code in the address stands for, once. */
function useLink(signIn: (token: string) => void): { isGoing: boolean; problem: ProblemData | null } {
  const take = useMutation(api.signIn.take);
  const navigate = useNavigate();
  const { hash, state } = useLocation();
  const code = codeOfFragment(hash);
  const [problem, setProblem] = useState<ProblemData | null>(null);
  const taken = useRef<string | null>(null);
  useEffect(() => {
    if (code === null || taken.current === code) return;
    taken.current = code;
    const enter = async () => {
      const { sealed } = await take({ codeHash: signInCodeHash(code) });
      signIn(openToken(code, sealed));
    };
    enter()
      .catch((error: unknown) => setProblem(problemOf(error)))
      // The code has done its work: it is to be neither seen nor sent again.
      .finally(() => void navigate("/sign-in", { replace: true, state: state as unknown }));
  }, [code, take, signIn, navigate, state]);
  return { isGoing: code !== null && problem === null, problem };
}

/** Where the person was before, if that was a page of ours. */
function placeIn(state: unknown): string {
  const from = state !== null && typeof state === "object" && "from" in state ? state.from : null;
  return typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/";
}

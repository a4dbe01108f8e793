import { Button, Loader, Stack, Text } from "@mantine/core";
import { useAction } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Sparkles } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { Empty } from "../../shared/Empty.tsx";
import { Problem } from "../../shared/Problem.tsx";
import { problemOf, type Problem as ProblemData } from "../../shared/problem.ts";
import { wordsOf } from "../../shared/words.ts";
import { Results } from "./Results.tsx";

const MOST = 20;

type Answer =
  | { state: "found"; hits: FunctionReturnType<typeof api.search.byMeaning> }
  | { state: "failed"; problem: ProblemData };

type Props = { slug: string; text: string; onByWords: () => void };

/** Asks once for what means `text`: another question is another one of these. */
export function ByMeaning({ slug, text, onByWords }: Props) {
  const search = useAction(api.search.byMeaning);
  const [answer, setAnswer] = useState<Answer | null>(null);
  useEffect(() => {
    if (text === "") return;
    let left = false;
    search({ project: slug, query: text, limit: MOST }).then(
      (hits) => {
        if (!left) setAnswer({ state: "found", hits });
      },
      (error: unknown) => {
        if (!left) setAnswer({ state: "failed", problem: problemOf(error) });
      },
    );
    return () => {
      left = true;
    };
  }, [search, slug, text]);

  if (text === "") {
    return (
      <Empty Icon={Sparkles} title="Say what the code does">
        It finds code that does that, whatever its words are.
      </Empty>
    );
  }
  if (answer === null) return <Loader size="sm" aria-label="Searching" />;
  if (answer.state === "failed") {
    return (
      <Stack gap="sm">
        <Problem problem={answer.problem} />
        <Button variant="default" size="xs" w="fit-content" onClick={onByWords}>
          Search by words
        </Button>
      </Stack>
    );
  }
  if (answer.hits.length === 0) return <Text size="sm">Nothing is indexed by its meaning yet.</Text>;
  return <Results hits={answer.hits} needles={wordsOf(text)} />;
}

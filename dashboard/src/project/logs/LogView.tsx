import { Stack } from "@mantine/core";
import { useDeferredValue, useMemo, useState } from "react";
import { cameAfter, matching, type LogLine } from "./lines.ts";
import { LogLines } from "./LogLines.tsx";
import { LogTools } from "./LogTools.tsx";

type Props = { lines: LogLine[]; /** Of the file to download, without ending. */ name: string };

/** Lines with what helps to find one: search, pause, wrap. */
export function LogView({ lines: newest, name }: Props) {
  const [words, setWords] = useState("");
  const [isFiltering, setFiltering] = useState(false);
  const [isWrapping, setWrapping] = useState(true);
  // What was there when somebody paused; null: the newest lines are followed.
  const [held, setHeld] = useState<LogLine[] | null>(null);
  const [chosen, setChosen] = useState(0);

  const lines = held ?? newest;
  const sought = useDeferredValue(words.trim());
  const matches = useMemo(() => matching(lines, sought), [lines, sought]);
  const shown = useMemo(
    () => (isFiltering && sought !== "" ? matches.map((index) => lines[index]!) : lines),
    [isFiltering, sought, matches, lines],
  );
  const current = matches.length === 0 ? null : ((chosen % matches.length) + matches.length) % matches.length;
  const step = (by: number) => {
    setHeld((before) => before ?? newest);
    setChosen((current ?? 0) + by);
  };
  return (
    <Stack gap="xs">
      <LogTools
        words={words}
        onWords={(next) => {
          setWords(next);
          setChosen(0);
        }}
        matches={sought === "" ? null : { count: matches.length, of: lines.length, current }}
        onStep={step}
        isFiltering={isFiltering}
        onFiltering={setFiltering}
        isWrapping={isWrapping}
        onWrapping={setWrapping}
        isPaused={held !== null}
        waiting={held === null ? 0 : cameAfter(held, newest)}
        onPause={(isPaused) => setHeld(isPaused ? newest : null)}
        lines={shown}
        name={name}
      />
      <LogLines
        lines={shown}
        words={sought}
        isWrapping={isWrapping}
        isFollowing={held === null}
        onLeave={() => setHeld(newest)}
        marked={held === null || current === null ? null : isFiltering ? current : matches[current]!}
      />
    </Stack>
  );
}

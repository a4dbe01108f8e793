import { Kbd, List, Loader, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "convex/react";
import { FileSearch, Search } from "lucide-react";
import { useRef, useState, type KeyboardEvent } from "react";
import { api } from "../../../../convex/_generated/api";
import { Empty } from "../../shared/Empty.tsx";
import { Section } from "../../shared/Section.tsx";
import { wordsOf } from "../../shared/words.ts";
import type { TabProps } from "../tabs.tsx";
import { ByMeaning } from "./ByMeaning.tsx";
import { Results } from "./Results.tsx";

const TYPING_MS = 200;
const MOST = 30;

/** Looks for code in the files of the project, and in no others. */
export function CodeTab({ project }: TabProps) {
  const [way, setWay] = useState<"words" | "meaning">("words");
  const [text, setText] = useState("");
  const [settled] = useDebouncedValue(text.trim(), TYPING_MS);
  const [asked, setAsked] = useState({ text: "", times: 0 });
  const place = useRef<HTMLDivElement>(null);
  const ask = () => setAsked(({ times }) => ({ text: text.trim(), times: times + 1 }));
  return (
    <Section
      title="Code"
      about={`Searches the files of ${project.slug} as its worker read them last, and no other project's.`}
      actions={
        <SegmentedControl
          size="xs"
          aria-label="How to search"
          value={way}
          onChange={(chosen) => setWay(chosen === "meaning" ? "meaning" : "words")}
          data={[
            { value: "words", label: "By words" },
            { value: "meaning", label: "By meaning" },
          ]}
        />
      }
    >
      <Stack ref={place} onKeyDown={(event) => stepThrough(event, place.current)}>
        <TextInput
          aria-label="Search the code"
          placeholder={way === "words" ? "listen port" : "where requests are counted"}
          description={
            way === "words" ? (
              <>
                <Kbd size="xs">↓</Kbd> goes to the results, <Kbd size="xs">Enter</Kbd> opens one.
              </>
            ) : (
              <>
                Say what it does, then <Kbd size="xs">Enter</Kbd>.
              </>
            )
          }
          leftSection={<Search size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && way === "meaning") ask();
          }}
          maw={560}
        />
        {way === "words" ? (
          <ByWords slug={project.slug} text={settled} />
        ) : (
          <ByMeaning
            key={asked.times}
            slug={project.slug}
            text={asked.text}
            onByWords={() => setWay("words")}
          />
        )}
      </Stack>
    </Section>
  );
}

function ByWords({ slug, text }: { slug: string; text: string }) {
  const hits = useQuery(api.search.code, text === "" ? "skip" : { project: slug, query: text, limit: MOST });
  if (text === "") {
    return (
      <Empty Icon={FileSearch} title="What are you looking for?">
        <List size="sm" ta="left">
          <List.Item>a name: a function, a variable, a route</List.Item>
          <List.Item>a word of a message that a program wrote</List.Item>
        </List>
      </Empty>
    );
  }
  if (hits === undefined) return <Loader size="sm" aria-label="Searching" />;
  if (hits.length === 0) {
    return (
      <Empty Icon={FileSearch} title="Nothing has these words">
        Try fewer, or others. Files are searched a moment after they change, and while the project&apos;s dev
        environment is there.
      </Empty>
    );
  }
  return (
    <>
      <Text size="sm" c="dimmed" role="status">
        {hits.length === MOST ? `The best ${MOST}` : hits.length} {hits.length === 1 ? "place" : "places"}
      </Text>
      <Results hits={hits} needles={wordsOf(text)} />
    </>
  );
}

/** Up and down go from result to result, and back to the field. */
function stepThrough(event: KeyboardEvent, place: HTMLElement | null): void {
  if (!place || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
  const stops = [...place.querySelectorAll<HTMLElement>("input, [data-result]")];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? undefined : stops[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

import { Group, Stack, Text, TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { Highlighted } from "../../shared/Highlighted.tsx";
import { holdsAny } from "../../shared/words.ts";

/** What tests wrote, all of it, or the lines that hold what is looked for. */
export function SearchedOutput({ output }: { output: string }) {
  const [wanted, setWanted] = useState("");
  const needles = wanted.trim() === "" ? [] : [wanted.trim()];
  const lines = useMemo(() => output.replace(/\n$/, "").split("\n"), [output]);
  const shown = lines
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => needles.length === 0 || holdsAny(text, needles));
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <TextInput
          size="xs"
          w={260}
          aria-label="Search the output"
          placeholder="Search the output"
          leftSection={<Search size={14} aria-hidden />}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
        <Text size="sm" c="dimmed" role="status">
          {needles.length > 0 ? `${shown.length} of ${lines.length} lines` : `${lines.length} lines`}
        </Text>
      </Group>
      <div className="output" tabIndex={0} role="region" aria-label="What the tests wrote">
        {shown.map(({ text, number }) => (
          <div key={number} className="numbered">
            <span className="number" aria-hidden>
              {number}
            </span>
            <span>
              <Highlighted text={text} needles={needles} />
            </span>
          </div>
        ))}
      </div>
    </Stack>
  );
}

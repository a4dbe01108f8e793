import { ActionIcon, Button, CopyButton, Group, Switch, Text, TextInput, Tooltip } from "@mantine/core";
import { ArrowDown, ArrowUp, Copy, Download, Pause, Play, Search } from "lucide-react";
import { textOf, type LogLine } from "./lines.ts";

type Props = {
  words: string;
  onWords: (words: string) => void;
  /** Null: nothing is sought. */
  matches: { count: number; of: number; current: number | null } | null;
  /** To the next match (1), or the one before (-1). */
  onStep: (by: 1 | -1) => void;
  isFiltering: boolean;
  onFiltering: (isFiltering: boolean) => void;
  isWrapping: boolean;
  onWrapping: (isWrapping: boolean) => void;
  isPaused: boolean;
  /** Lines that came since the pause. */
  waiting: number;
  onPause: (isPaused: boolean) => void;
  /** What is copied and downloaded: what is shown. */
  lines: LogLine[];
  name: string;
};

export function LogTools(props: Props) {
  const { words, onWords, matches, onStep, isPaused, onPause, waiting, lines, name } = props;
  return (
    <>
      <Group gap="xs" align="center">
        <TextInput
          aria-label="Search the log"
          placeholder="Search"
          leftSection={<Search size={16} aria-hidden />}
          value={words}
          onChange={(event) => onWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
            if (event.key === "Escape") onWords("");
          }}
          style={{ flex: "1 1 200px" }}
        />
        <Group gap={4} wrap="nowrap">
          <Tooltip label="The match before (Shift+Enter)">
            <ActionIcon
              variant="default"
              size="lg"
              aria-label="The match before"
              disabled={!matches?.count}
              onClick={() => onStep(-1)}
            >
              <ArrowUp size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="The next match (Enter)">
            <ActionIcon
              variant="default"
              size="lg"
              aria-label="The next match"
              disabled={!matches?.count}
              onClick={() => onStep(1)}
            >
              <ArrowDown size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
        <Button
          variant={isPaused ? "filled" : "default"}
          leftSection={isPaused ? <Play size={16} aria-hidden /> : <Pause size={16} aria-hidden />}
          onClick={() => onPause(!isPaused)}
        >
          {isPaused ? "Follow" : "Pause"}
        </Button>
        <Group gap={4} wrap="nowrap">
          <CopyButton value={textOf(lines)}>
            {({ copied, copy }) => (
              <Tooltip label={copied ? "Copied" : "Copy what is shown"}>
                <ActionIcon
                  variant="default"
                  size="lg"
                  aria-label={copied ? "Copied" : "Copy what is shown"}
                  onClick={copy}
                >
                  <Copy size={16} aria-hidden />
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
          <Tooltip label="Download what is shown">
            <ActionIcon
              variant="default"
              size="lg"
              aria-label="Download what is shown"
              onClick={() => download(`${name}.log`, textOf(lines))}
            >
              <Download size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      </Group>
      <Group gap="md" justify="space-between">
        <Group gap="md">
          <Switch
            size="sm"
            label="Only lines that match"
            checked={props.isFiltering}
            onChange={(event) => props.onFiltering(event.currentTarget.checked)}
          />
          <Switch
            size="sm"
            label="Wrap long lines"
            checked={props.isWrapping}
            onChange={(event) => props.onWrapping(event.currentTarget.checked)}
          />
        </Group>
        <Text size="sm" c="dimmed" role="status">
          {stateText(props)}
          {isPaused && waiting > 0 && `; ${waiting} new ${waiting === 1 ? "line" : "lines"}`}
        </Text>
      </Group>
    </>
  );
}

function stateText({ matches, isPaused, lines }: Props): string {
  if (matches) {
    const { count, of, current } = matches;
    const at = isPaused && current !== null ? `match ${current + 1}, ` : "";
    return `${at}${count} of ${of} lines match${isPaused ? "; paused" : ""}`;
  }
  return isPaused ? "paused" : `${lines.length} lines, following`;
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

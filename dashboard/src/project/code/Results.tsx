import { Group, Stack, Text, UnstyledButton } from "@mantine/core";
import type { FunctionReturnType } from "convex/server";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";
import type { api } from "../../../../convex/_generated/api";
import { Highlighted } from "../../shared/Highlighted.tsx";
import { excerptOf, lineCount, linesOf } from "./excerpt.ts";

type Hit = FunctionReturnType<typeof api.search.code>[number];

/** Places in files, the lines that matter first; each opens to all that is known of it. */
export function Results({ hits, needles }: { hits: Hit[]; needles: string[] }) {
  return (
    <Stack component="ol" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
      {hits.map((hit) => (
        <li key={`${hit.path} ${hit.startLine}`}>
          <Result hit={hit} needles={needles} />
        </li>
      ))}
    </Stack>
  );
}

function Result({ hit, needles }: { hit: Hit; needles: string[] }) {
  const [isOpen, setOpen] = useState(false);
  const { path, startLine, endLine, text } = hit;
  const excerpt = excerptOf(text, startLine, needles);
  const all = linesOf(text, startLine, needles);
  const isCut = lineCount(excerpt) < all.length;
  const blocks = isOpen ? [all] : excerpt;
  const Icon = isOpen ? ChevronDown : ChevronRight;
  return (
    <>
      <UnstyledButton data-result aria-expanded={isOpen} onClick={() => setOpen(!isOpen)} className="result">
        <Group gap={6} wrap="nowrap">
          <Icon size={14} aria-hidden style={{ visibility: isCut ? undefined : "hidden", flexShrink: 0 }} />
          <Text span size="sm" fw={600} className="mono">
            {path}
          </Text>
          <Text span size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>
            {startLine}–{endLine}
          </Text>
        </Group>
      </UnstyledButton>
      <div className="output code" tabIndex={0} role="region" aria-label={`${path}, from line ${startLine}`}>
        {blocks.map((block, index) => (
          <div key={block[0]?.number ?? index} className={index > 0 ? "gap" : undefined}>
            {block.map(({ number, text: line }) => (
              <div key={number} className="numbered">
                <span className="number" aria-hidden>
                  {number}
                </span>
                <span>
                  <Highlighted text={line} needles={needles} where="wordStart" />
                </span>
              </div>
            ))}
          </div>
        ))}
      </div>
    </>
  );
}

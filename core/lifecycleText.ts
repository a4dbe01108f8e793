import { moveVerb, verbsOf } from "./access.ts";
import {
  AGENT_NAMES,
  AGENTS,
  EDGES,
  EFFECTS,
  ENVIRONMENT_KINDS,
  GUARDS,
  STATUSES,
  type Edge,
  type Status,
} from "./lifecycle.ts";

/** The lifecycle for people, written from the table of core/lifecycle.ts and from nothing else. */

/** A drawing in Mermaid's language. `failed` and `deleting`, which every status leads to, are said once. */
export function lifecycleDrawing(): string {
  const everywhere: Status[] = ["failed", "deleting"];
  const drawn = EDGES.filter((edge) => !everywhere.includes(edge.to));
  return [
    "stateDiagram-v2",
    '    state "any status" as any',
    "    [*] --> created",
    ...drawn.map((edge) => `    ${edge.from} --> ${edge.to}${labelOf(edge)}`),
    "    any --> failed",
    "    any --> deleting",
    "    deleting --> [*]",
  ].join("\n");
}

function labelOf({ agents, guard }: Edge): string {
  const parts = [agents.join(", "), guard ? GUARDS[guard] : ""].filter(Boolean);
  return parts.length === 0 ? "" : `: ${parts.join(" if ")}`;
}

/** One line for each status with where it leads, for a terminal. */
export function lifecycleLines(): string {
  const width = Math.max(...STATUSES.map((status) => status.length));
  return STATUSES.map((from) => {
    const next = EDGES.filter((edge) => edge.from === from).map((edge) => edge.to);
    return `  ${from.padEnd(width)}  → ${next.join(", ") || "gone"}`;
  }).join("\n");
}

/** The whole page: drawing, what runs in each status, who may make each move, what agents may do. */
export function lifecyclePage(): string {
  return `# The lifecycle of a project

Written from \`core/lifecycle.ts\` by \`npm run docs:lifecycle\`; a test fails where the two differ.

\`\`\`mermaid
${lifecycleDrawing()}
\`\`\`

A paused project returns to where it came from, and to no other status. A failed one keeps its volumes for the retention
time. A deleted one is \`deleting\` until its worker has confirmed that nothing of it is left; its events stay.

## What runs

${markdownTable(
  ["status", "agents", ...ENVIRONMENT_KINDS],
  STATUSES.map((status) => [
    status,
    AGENTS[status],
    ...ENVIRONMENT_KINDS.map((kind) => {
      const effect = EFFECTS[status][kind];
      return effect === "unchanged" ? "as it was" : effect;
    }),
  ]),
)}

An environment that was never there stays absent where the table says hibernated.

## Who moves what

An admin may make every move, and pass a guard with a reason, which the event records. An agent may make the moves that
are its work:

${markdownTable(
  ["from", "to", "agents", "guard"],
  EDGES.filter((edge) => edge.agents.length > 0).map((edge) => [
    edge.from,
    edge.to,
    edge.agents.join(", "),
    edge.guard ? GUARDS[edge.guard] : "–",
  ]),
)}

${markdownTable(
  ["agent", "verbs of its token"],
  AGENT_NAMES.map((name) => [
    name,
    verbsOf(name)
      .map((verb) => `\`${verb}\``)
      .join(", "),
  ]),
)}

The verb \`${moveVerb("testing")}\` lets a token move its project to testing, and so on for each status.
`;
}

function markdownTable(headings: string[], rows: string[][]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(headings), rule, ...rows.map(line)].join("\n");
}

import type { Attempt } from "./attempts.ts";

export type Row = Pick<Attempt, "area" | "what" | "outcome"> & {
  /** Which project tried. */
  from: string;
  /** What came of it, in the kernel's words. */
  got: string;
  /** What came of the same kind of attempt where it is allowed. */
  control: string;
  holds: boolean;
};

/** The table as it is printed: one line an attempt. */
export function printed(rows: readonly Row[]): string {
  const lines = rows.map(({ holds, area, from, what, got, control }) => [
    holds ? "✓" : "✗",
    area,
    from,
    what,
    got,
    `(allowed: ${control})`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The table as it is documented: each kind of attempt once, in words that are the same on every machine. */
export function documented(rows: readonly Row[]): string {
  const kinds = new Map(rows.map((row) => [`${row.area} ${row.what}`, [row.area, row.what, row.outcome]]));
  const lines = [["area", "what a project's program tries", "what happens"], ...kinds.values()];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  // As the formatter aligns a table.
  const [header, ...body] = lines.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`,
  );
  return [header, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...body].join("\n");
}

const [BEGIN, END] = ["<!-- probes: written by tests/isolation.test.ts -->", "<!-- end of probes -->"];

/** `text` with the table between its marks replaced. @throws where the marks are missing */
export function withTable(text: string, table: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The documentation lacks its marks: ${BEGIN} and ${END}.`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${table}\n\n${text.slice(to)}`;
}

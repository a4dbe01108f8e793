import { stripVTControlCharacters, styleText } from "node:util";
import type { Progress } from "../../progress/progress.mjs";
import { createProgress } from "../../progress/progress.mjs";
import { failureLine, type Failure } from "./fail.ts";

type Style = Parameters<typeof styleText>[0];

/** Data goes to stdout, everything said about it to stderr; `--json` makes both readable for programs. */
export type Output = {
  json: boolean;
  /** Data: `value` with `--json`, else `text()`; always ends with one line break. */
  data(value: unknown, text: () => string): void;
  /** One line of status. */
  say(line: string): void;
  failure(failure: Failure): void;
  /** Colours `text` for stdout, where that is a terminal that wants colours. */
  style(style: Style, text: string): string;
  progress(): Progress;
};

export function createOutput(json: boolean): Output {
  return {
    json,
    data(value, text) {
      const shown = json ? JSON.stringify(value, null, 2) : text();
      process.stdout.write(shown.endsWith("\n") || shown === "" ? shown : `${shown}\n`);
    },
    say: (line) => void process.stderr.write(`${line}\n`),
    failure({ data }) {
      const line = json
        ? JSON.stringify({ error: data })
        : `${paint(process.stderr, "red", "✗")} ${failureLine(data)}`;
      process.stderr.write(`${line}\n`);
    },
    style: (style, text) => paint(process.stdout, style, text),
    progress: () => createProgress(),
  };
}

/** Colours where `stream` is a terminal and NO_COLOR is not set. */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  if (!stream.isTTY || process.env.NO_COLOR || process.env.TERM === "dumb") return text;
  return styleText(style, text);
}

/** Rows under headings, columns padded to their widest cell; coloured cells align too. */
export function table(headings: string[], rows: string[][]): string {
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...lines.map((line) => visibleLength(line[column] ?? ""))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + " ".repeat(widths[column]! - visibleLength(cell)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function visibleLength(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

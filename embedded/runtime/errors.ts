/** Errors that cross between a function and whoever called it. */
import { SourceMap } from "node:module";
import type { JSONValue } from "convex/values";

/** What a function threw, as text and data. */
export interface Failure {
  /** `Uncaught Error: boom` and the mapped stack. */
  readonly message: string;
  /** The data of a `ConvexError`, as Convex JSON. */
  readonly data?: JSONValue;
}

/** A failed call, to be thrown in the backend's own code. */
export class FunctionFailedError extends Error {
  override readonly name = "FunctionFailedError";
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** What the realm reports about a thrown value, before positions are mapped. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** A ConvexError's data as a JSON text. */
  readonly data?: string;
}

/** Turns positions in a linked script into positions in the app's files. */
export interface StackMapper {
  /** The frames of the app's own files, one a line, with `    at ` in front. */
  map(stack: string): string;
}

const FRAME =
  /^\s*at (?:(?<async>async )?(?<name>.+?) \()?(?:file:\/\/)?(?<file>[^():]+):(?<line>\d+):(?<column>\d+)\)?$/;
const MAX_FRAMES = 10;

/** `scriptName` is the file name the script was compiled with; its first line is line 1 of the map. */
export function makeStackMapper(scriptName: string, mapJson: string): StackMapper {
  const map =
    mapJson === "" ? null : new SourceMap(JSON.parse(mapJson) as ConstructorParameters<typeof SourceMap>[0]);
  return {
    map: (stack) => {
      const lines: string[] = [];
      for (const text of stack.split("\n")) {
        const frame = FRAME.exec(text)?.groups;
        if (frame === undefined || frame["file"] !== scriptName) continue;
        const entry = map?.findEntry(Number(frame["line"]) - 1, Number(frame["column"]) - 1);
        if (entry === undefined || !("originalSource" in entry)) continue;
        const source = entry.originalSource.replace(/^(pushed:)?(\.\.?\/)*/, "");
        if (source.includes("node_modules/") || source === "entry.js") continue;
        const position = `../${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
        const name = frame["name"];
        lines.push(
          `    at ${frame["async"] ?? ""}${name === undefined ? position : `${name} (${position})`}`,
        );
        if (lines.length === MAX_FRAMES) break;
      }
      return lines.join("\n");
    },
  };
}

/** The failure that a thrown value stands for. */
export function toFailure(thrown: Thrown, mapper: StackMapper): Failure {
  const frames = mapper.map(thrown.stack);
  const message = `Uncaught ${thrown.name}: ${thrown.message}${frames === "" ? "" : `\n${frames}`}`;
  if (thrown.data === undefined) return { message };
  return { message, data: JSON.parse(thrown.data) as JSONValue };
}

/** A failure of the backend's own making: bad arguments, limits, timeouts. */
export const plainFailure = (message: string): Failure => ({ message });

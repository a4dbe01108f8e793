/** What an error says, in words that do not depend on the backend: its class, and its text where the app chose it. */
import { ConvexError, type Value } from "convex/values";

export type ErrorClass =
  | "convexError"
  | "thrown"
  | "arguments"
  | "returns"
  | "schema"
  | "validator"
  | "notFound"
  | "wrongKind"
  | "id"
  | "noDocument"
  | "index"
  | "cursor"
  | "paginatedTwice"
  | "forbidden"
  | "systemTable"
  | "notUnique"
  | "value"
  | "timeout"
  | "limit";

export interface ErrorAnswer {
  readonly error: ErrorClass;
  readonly text?: string;
  readonly data?: Value;
}

/** The first pattern that a message matches names its class; `convex-test` words come after Convex's own. */
const PATTERNS: [ErrorClass, RegExp][] = [
  ["arguments", /ArgumentValidationError|Invalid arguments for/],
  ["returns", /ReturnsValidationError|Return value validation failed/],
  ["schema", /does not match the schema/],
  ["validator", /Validator error/],
  ["notFound", /Could not find (public )?function|no such export|Could not find module/],
  ["wrongKind", /but it is defined as|Expected an? \w+ function, but/],
  ["paginatedTwice", /multiple paginated queries|single paginated query/],
  ["cursor", /InvalidCursor|Unexpected token|is not valid JSON/],
  ["index", /withIndex|Index \S+ not found|Cannot use index/],
  ["id", /Unable to decode ID|expected ID|expected string but got|Invalid ID/],
  ["noDocument", /non-?existent doc/i],
  ["forbidden", /Can't use \w+\(\) in queries|is not supported in Convex queries|no writer|cannot write/],
  ["systemTable", /System tables|can only be accessed from|system table/i],
  ["notUnique", /unique\(\) query returned more than one/],
  ["timeout", /timed out/],
  [
    "value",
    /not a supported Convex type|is not a valid Convex value|does not fit into a 64-bit|not supported by Convex|start(s)? with/,
  ],
  ["limit", /too (many|large|long|deep|much)|maximum (size|length|number|nesting)|limit/i],
];

/** The line that the app's code threw, without request ids, stack and "Called by client". */
function essence(message: string): string {
  const uncaught = /Uncaught (.*)/.exec(message);
  return (uncaught?.[1] ?? message).split("\n")[0]!.trim();
}

/** Sorts an error of either backend, by its text. */
export function explain(error: unknown): ErrorAnswer {
  if (error instanceof ConvexError) return { error: "convexError", data: error.data as Value };
  if (!(error instanceof Error)) return { error: "thrown", text: String(error) };
  const found = PATTERNS.find(([, pattern]) => pattern.test(error.message));
  if (found !== undefined) return { error: found[0] };
  const text = essence(error.message);
  // Thrown in this process, the error carries its name apart from its text; from a server both are in the text.
  return {
    error: "thrown",
    text:
      /^\w*Error: /.test(text) || error.name === "Error"
        ? text.replace(/^Error: /, "")
        : `${error.name}: ${text}`,
  };
}

/** The answer of a call, or the class of its error. */
export async function attempt(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return { ok: await call() };
  } catch (error) {
    return explain(error);
  }
}

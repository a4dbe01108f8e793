/**
 * One shape for every expected error, on both sides of the wire: Convex functions throw it as `ConvexError` data,
 * the worker reports it as a condition, the CLI prints it.
 */
export type ErrorCode =
  | "bad_request"
  | "bad_manifest"
  | "not_found"
  | "name_taken"
  | "illegal_transition"
  | "status_changed"
  | "guard_failed"
  | "unauthenticated"
  | "forbidden"
  | "no_host"
  | "no_capacity"
  | "pool_exhausted"
  | "stale_epoch"
  | "deadline"
  | "docker"
  | "gateway"
  /** A project's source has not arrived, or is gone; it cannot be fetched. */
  | "source_missing"
  | "source_failed"
  /** More than is allowed at once, or in one piece. */
  | "too_much"
  | "setup";

export type ErrorData = {
  code: ErrorCode;
  /** What happened, and to what: one sentence. */
  message: string;
  /** What to do next: one sentence, or a command to type. */
  hint?: string;
  /** The values that are allowed, where there is a closed set of them. */
  allowed?: string[];
  /** Where in the input, as a dotted path. */
  path?: string;
};

export class SlipwayError extends Error {
  readonly data: ErrorData;
  constructor(data: ErrorData, options?: { cause?: unknown }) {
    super(data.message, options);
    this.name = "SlipwayError";
    this.data = data;
  }
}

/** `error` and its causes, outermost first, as single lines. */
export function causeChain(error: unknown): string[] {
  const lines: string[] = [];
  for (let at = error; at != null && lines.length < 10; at = at instanceof Error ? at.cause : undefined) {
    lines.push(at instanceof Error ? at.message : String(at));
  }
  return lines;
}

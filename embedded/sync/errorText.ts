/** A function's failure as clients get it. */
import type { Failure } from "../runtime/errors.ts";

/** `[Request ID: 0123456789abcdef] Server Error` and what happened. */
export const errorMessage = (requestId: string, failure: Failure): string =>
  `[Request ID: ${requestId}] Server Error\n${failure.message}\n`;

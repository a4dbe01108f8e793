import { causeChain } from "../core/errors.ts";

/** Structured logs: one JSON object a line. `event` is one word or a few with dashes; fields hold no secrets. */
export type Log = (event: string, fields?: Record<string, unknown>) => void;

/** @param write takes one line with its end */
export function jsonLog(write: (line: string) => void, now: () => number = Date.now): Log {
  return (event, fields = {}) => {
    const shown = Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? causeChain(value) : value]),
    );
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), event, ...shown })}\n`);
  };
}

/** Structured logs: one JSON object a line on stderr. Never give it a key, a token or a function's arguments. */
export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Logger {
  (level: LogLevel, event: string, fields?: Record<string, unknown>): void;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Writes lines from `minimum` on to stderr. */
export function stderrLogger(minimum: LogLevel): Logger {
  return (level, event, fields = {}) => {
    if (ORDER[level] < ORDER[minimum]) return;
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}

export const silentLogger: Logger = () => {};

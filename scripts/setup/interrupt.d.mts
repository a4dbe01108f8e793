/**
 * Runs `cleanup` (synchronously) when the process ends before the returned function was called: by itself, or by
 * SIGINT, SIGTERM or SIGHUP, which without a handler of somebody else end it with exit code 128 + signal.
 */
export function beforeExit(cleanup: () => void): () => void;

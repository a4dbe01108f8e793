import { EngineError } from "./engineError.ts";

/** Milliseconds that Docker has to answer: to be read, to change something. */
export const READ_DEADLINE_MS = 30_000;
export const CHANGE_DEADLINE_MS = 120_000;
/** Milliseconds of silence after which a pull counts as dead. */
export const PULL_SILENCE_MS = 60_000;

/**
 * Runs `call` with a signal that aborts its connection after `deadlineMs`, and settles then even if the call does not.
 * @param what completes "Docker could not …"
 * @throws EngineError `deadline`
 */
export async function withDeadline<T>(
  what: string,
  deadlineMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new EngineError("deadline", `Docker could not ${what}: no answer within ${deadlineMs / 1000} s`),
      );
      controller.abort();
    }, deadlineMs);
  });
  try {
    return await Promise.race([call(controller.signal), expired]);
  } finally {
    clearTimeout(timer);
  }
}

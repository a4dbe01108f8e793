import { EngineError } from "./engineError.ts";

/** Milliseconds that Docker has to answer: to be read, to change something. */
export const READ_DEADLINE_MS = 30_000;
export const CHANGE_DEADLINE_MS = 120_000;
/** Milliseconds of silence after which a pull counts as dead. */
export const PULL_SILENCE_MS = 60_000;

/** Milliseconds without a single byte after which files that go into or out of a container count as stuck. */
export const COPY_SILENCE_MS = 60_000;

/**
 * Runs `call` with a signal that aborts its connection once nothing was heard for `silenceMs`: it may take as long as
 * it likes while it goes on.
 * @param what completes "Docker could not …"
 * @param call is given what it has to call whenever something moved
 * @throws EngineError `deadline`
 */
export async function whileMoving<T>(
  what: string,
  silenceMs: number,
  call: (signal: AbortSignal, moved: () => void) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new EngineError("deadline", `Docker could not ${what}: nothing moved for ${silenceMs / 1000} s`),
      );
      controller.abort();
    }, silenceMs);
  });
  try {
    return await Promise.race([call(controller.signal, () => timer?.refresh()), silent]);
  } catch (error) {
    // A half-sent request must not stay open.
    controller.abort();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

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

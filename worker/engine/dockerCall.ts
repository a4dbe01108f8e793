import { CHANGE_DEADLINE_MS, withDeadline } from "./deadline.ts";
import { engineErrorOf, statusOf } from "./engineError.ts";

/**
 * One call to the engine, with a deadline.
 * @param what completes "Docker could not …"
 * @throws EngineError
 */
export async function dockerCall<T>(
  what: string,
  work: (abortSignal: AbortSignal) => Promise<T>,
  deadlineMs = CHANGE_DEADLINE_MS,
): Promise<T> {
  try {
    return await withDeadline(what, deadlineMs, work);
  } catch (error) {
    throw engineErrorOf(what, error);
  }
}

/** As `dockerCall`, where an answer with one of `statuses` means that it was so already: then undefined. */
export async function dockerCallUnless<T>(
  statuses: readonly number[],
  what: string,
  work: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await dockerCall(what, work);
  } catch (error) {
    const status = statusOf((error as { cause?: unknown }).cause);
    if (status !== null && statuses.includes(status)) return undefined;
    throw error;
  }
}

import { tellFailure } from "./tell.ts";
import { runSeed } from "./run.ts";

/** Seeds that may fail before the rest is not worth the time. */
const MOST_TOLD = 3;

/**
 * Runs seeds one after the other.
 * @param onProgress told after each
 * @returns what is to be said of those that fail; empty where none does
 */
export async function simulate(
  from: number,
  count: number,
  onProgress: (done: number, failed: number) => void = () => {},
): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = from; seed < from + count && failures.length < MOST_TOLD; seed += 1) {
    const outcome = await runSeed(seed);
    if (outcome.violations.length > 0) failures.push(await tellFailure(outcome, false));
    onProgress(seed - from + 1, failures.length);
  }
  return failures;
}

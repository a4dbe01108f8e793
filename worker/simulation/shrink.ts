import type { Program } from "./program.ts";
import { runSeed } from "./run.ts";

/** Runs that a shrinking may take. */
const MOST_RUNS = 120;

/**
 * Leaves out of a failing seed's program what it fails without: first halves of its actions, then ever smaller pieces.
 * @returns the smallest program found that still fails
 */
export async function shrink(seed: number, program: Program): Promise<Program> {
  let best = program;
  let runs = 0;
  const fails = async (candidate: Program) => {
    runs += 1;
    return (await runSeed(seed, { program: candidate })).violations.length > 0;
  };
  for (
    let size = Math.ceil(best.actions.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < best.actions.length && runs < MOST_RUNS;) {
      const actions = best.actions.filter((_, index) => index < from || index >= from + size);
      const candidate = { ...best, actions };
      if (await fails(candidate)) best = candidate;
      else from += size;
    }
  }
  for (let index = best.dooms.length - 1; index >= 0 && runs < MOST_RUNS; index -= 1) {
    const candidate = { ...best, dooms: best.dooms.filter((_, at) => at !== index) };
    if (await fails(candidate)) best = candidate;
  }
  return best;
}

import { programOfSeed, runSeed, type Outcome } from "./run.ts";
import { shrink } from "./shrink.ts";
import { stamp } from "./story.ts";

const LAST_LINES = 150;

/** What a failing seed has to say: what was violated, what it needs to fail, its story, and how to see it again. */
export async function tellFailure(outcome: Outcome, whole: boolean): Promise<string> {
  const { seed, profile } = outcome;
  const small = await shrink(seed, programOfSeed(seed));
  const { story, violations } = await runSeed(
    seed,
    whole ? { tells: true } : { tells: true, program: small },
  );
  const shown = whole ? story : story.slice(-LAST_LINES);
  return [
    `Seed ${seed} (${profile} lines) fails:`,
    ...outcome.violations.map((violation) => `  ${violation}`),
    `It fails with these alone (${small.dooms.length} workers die at a step of theirs):`,
    ...small.actions.map((action) => `  ${stamp(action.at)}  ${action.do}`),
    whole ? "The story:" : `The end of the story with these alone, which violates ${violations.length}:`,
    ...shown.map((line) => `  ${line}`),
    `Replay: npm run simulate -- --seed ${seed} --story`,
  ].join("\n");
}

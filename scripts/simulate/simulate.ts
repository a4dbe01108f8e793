import { parseArgs } from "node:util";
import { runSeed } from "../../worker/simulation/run.ts";
import { simulate } from "../../worker/simulation/simulate.ts";
import { tellFailure } from "../../worker/simulation/tell.ts";

/**
 * npm run simulate -- [--seeds N] [--from K] [--first], or --seed K [--story]: the worker against a machine on which all
 * goes wrong. `--first` ends at the first seed that fails, and says no more than what it violates.
 */

const DEFAULT_SEEDS = 2_000;
const TOLD_EVERY = 100;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    story: { type: "boolean" },
    first: { type: "boolean" },
  },
});

function numberOf(name: "seeds" | "from" | "seed", byDefault: number): number {
  const text = values[name];
  const value = text === undefined ? byDefault : Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`--${name} is "${text}", which is no whole number from 0 on.`);
  process.exit(2);
}

if (values.seed !== undefined) {
  const seed = numberOf("seed", 1);
  const outcome = await runSeed(seed, { tells: values.story ?? false });
  if (outcome.violations.length > 0) {
    console.log(await tellFailure(outcome, values.story ?? false));
    process.exit(1);
  }
  for (const line of outcome.story) console.log(line);
  console.error(`Seed ${seed} ends as it should (${outcome.profile} lines, ${outcome.calls} calls).`);
} else if (values.first) {
  const from = numberOf("from", 1);
  const count = numberOf("seeds", DEFAULT_SEEDS);
  for (let seed = from; seed < from + count; seed += 1) {
    const { violations } = await runSeed(seed);
    if (violations.length === 0) continue;
    console.log(`seed ${seed}: ${violations[0]}`);
    process.exit(1);
  }
} else {
  const from = numberOf("from", 1);
  const count = numberOf("seeds", DEFAULT_SEEDS);
  const startedAt = performance.now();
  const failures = await simulate(from, count, (done, failed) => {
    if (done % TOLD_EVERY === 0) console.error(`${done} of ${count} seeds, ${failed} failed`);
  });
  for (const failure of failures) console.log(`${failure}\n`);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (failures.length > 0) process.exit(1);
  console.error(`All of the seeds ${from} to ${from + count - 1} end as they should (${seconds} s).`);
}

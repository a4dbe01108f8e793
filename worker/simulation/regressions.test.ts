import { expect, test } from "vitest";
import { programOf } from "./program.ts";
import { Random } from "./random.ts";
import { runSeed } from "./run.ts";

/** Seeds that found a fault once, by what it was: with the programs that they had then, when nothing was shared. */
test.each([
  [197, "a helper that a dead worker left had a workspace filled that was in use"],
  [508, "a worker that another one had replaced filled by a look that was 26 s old"],
  [
    760,
    "a subnet was given up for good because a worker that was replaced had made a deleted project's network again",
  ],
  [977, "a port was given up for good that nobody had tried: the call that exchanges one came twice"],
  [1250, "what was kept for a rollback stayed for hours: the host's clock is not the control plane's"],
  [1321, "a workspace was filled again after its container was removed by hand"],
])(
  "seed %d ends as it should: %s",
  async (seed) => {
    const program = programOf(new Random(seed, "program"));
    expect((await runSeed(seed, { program })).violations).toEqual([]);
  },
  120_000,
);

/** The same of those that share a group, or have databases beside them. */
test.each([
  [79, "a group's subnet was given back while its network, which could not be removed yet, still had it"],
  [
    1389,
    "a container stayed bound to its group's network of before, which was made anew while it stood still",
  ],
  [1718, "a snapshot's volume that was made only once its mark was gone counted, and was empty"],
  [335, "Docker's first verdicts on what was started late were taken for a worker that is not quiet"],
])(
  "seed %d, with what it shares, ends as it should: %s",
  async (seed) => {
    expect((await runSeed(seed)).violations).toEqual([]);
  },
  120_000,
);

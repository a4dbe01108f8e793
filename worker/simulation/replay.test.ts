import { expect, test } from "vitest";
import { runSeed } from "./run.ts";

test.each([7, 36, 508])(
  "seed %d tells the same story every time",
  async (seed) => {
    const first = await runSeed(seed, { tells: true });
    const second = await runSeed(seed, { tells: true });
    expect(second.story).toEqual(first.story);
    expect(first.story.length).toBeGreaterThan(50);
  },
  120_000,
);

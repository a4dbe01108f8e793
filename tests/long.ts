import { describe, test } from "vitest";

/**
 * Two runs of the same tests: `npm test` shows every promise once, by the shortest way; `npm run test:long` shows it at
 * full length. longFiles.ts says which files have more to do there.
 */
const isLong = process.env.SLIPWAY_LONG_TESTS === "1";

/** How often something is tried: `short` in `npm test`, `long` in `npm run test:long`. */
export function times(short: number, long: number): number {
  return isLong ? long : short;
}

/** As vitest's `test` and `describe`, in `npm run test:long` alone. */
export const longTest = test.runIf(isLong);
export const longDescribe = describe.runIf(isLong);

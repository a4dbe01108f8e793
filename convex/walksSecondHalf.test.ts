// @vitest-environment edge-runtime
import { expect, test } from "vitest";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { times } from "../tests/long.ts";
import { takeWalks } from "../tests/controlPlane/walks.ts";

/** The second half of all walks, 800 or 10,000: two files, because files run side by side. */
const WALKS = times(400, 5_000);
const SEED = 20_265_101;

test(`${WALKS} random walks reach no illegal state, and the audit log alone tells where each ended`, async () => {
  await expect(
    takeWalks(() => Promise.resolve(driverOf(openConvexTest())), WALKS, SEED),
  ).resolves.toBeUndefined();
}, 1_200_000);

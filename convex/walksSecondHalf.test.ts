import { expect, test } from "vitest";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { takeWalks } from "../tests/controlPlane/walks.ts";

/** The second half of 10,000 walks: two files, because files run side by side. */
const WALKS = 5_000;
const SEED = 20_265_101;

test(`${WALKS} random walks reach no illegal state, and the audit log alone tells where each ended`, async () => {
  await expect(
    takeWalks(() => Promise.resolve(driverOf(openConvexTest())), WALKS, SEED),
  ).resolves.toBeUndefined();
}, 1_200_000);

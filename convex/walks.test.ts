import { expect, test } from "vitest";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { takeWalks } from "../tests/controlPlane/walks.ts";

const WALKS = 10_000;

test(`${WALKS} random walks reach no illegal state, and the audit log alone tells where each ended`, async () => {
  const seed = 20_260_101;
  await expect(
    takeWalks(() => Promise.resolve(driverOf(openConvexTest())), WALKS, seed),
  ).resolves.toBeUndefined();
}, 1_200_000);

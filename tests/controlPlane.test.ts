import { afterAll, expect, test } from "vitest";
import { controlPlaneSuite } from "./controlPlane/all.ts";
import { embeddedFactory } from "./controlPlane/embeddedDriver.ts";
import { takeWalks } from "./controlPlane/walks.ts";
import { longDescribe, times } from "./long.ts";

/** The control plane's suite against the embedded backend, through real clients and real tokens. */

const factory = await embeddedFactory();
afterAll(() => factory.close());

// Of every move for every role, convex-test shows in a tenth of the time what the functions answer.
controlPlaneSuite(() => factory.open(), { describeMatrix: longDescribe });

const WALKS = times(40, 500);

test(`${WALKS} random walks reach no illegal state, and the audit log alone tells where each ended`, async () => {
  await expect(takeWalks(() => factory.open(), WALKS, 77)).resolves.toBeUndefined();
}, 300_000);

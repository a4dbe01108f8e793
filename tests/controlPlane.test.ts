import { afterAll, expect, test } from "vitest";
import { controlPlaneSuite } from "./controlPlane/all.ts";
import { embeddedFactory } from "./controlPlane/embeddedDriver.ts";
import { takeWalks } from "./controlPlane/walks.ts";

/** The control plane's suite against the embedded backend, through real clients and real tokens. */

const factory = await embeddedFactory();
afterAll(() => factory.close());

controlPlaneSuite(() => factory.open());

test("500 random walks reach no illegal state, and the audit log alone tells where each ended", async () => {
  await expect(takeWalks(() => factory.open(), 500, 77)).resolves.toBeUndefined();
}, 300_000);

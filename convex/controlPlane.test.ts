import { beforeAll, vi } from "vitest";
import { controlPlaneSuite } from "../tests/controlPlane/all.ts";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { TEST_SEALING_KEY } from "../tests/controlPlane/secrets.ts";

beforeAll(() => {
  vi.stubEnv("SLIPWAY_SECRETS_KEY", JSON.stringify(TEST_SEALING_KEY));
});

controlPlaneSuite(() => Promise.resolve(driverOf(openConvexTest())));

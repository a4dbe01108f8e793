import { afterEach, expect, test, vi } from "vitest";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { WORKER } from "../tests/controlPlane/driver.ts";
import { createProject, move, obey, registerHost } from "../tests/controlPlane/world.ts";
import { api } from "./_generated/api.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a worker is told the pool that subnets come from, and those that some are still in use of", async () => {
  const driver = driverOf(openConvexTest());
  const host = await registerHost(driver);
  const pools = () => driver.as(WORKER).query(api.worker.subnetPools, { hostId: host.hostId });
  expect(await pools()).toEqual(["10.128.0.0/10"]);
  vi.stubEnv("SLIPWAY_SUBNET_POOL", "10.64.0.0/16");
  await createProject(driver, "old");
  await move(driver, "old", "planning", "development");
  vi.stubEnv("SLIPWAY_SUBNET_POOL", "172.20.0.0/16");
  expect(await pools()).toEqual(["172.20.0.0/16", "10.64.0.0/16"]);
  await createProject(driver, "new");
  await move(driver, "new", "planning", "development");
  expect(await pools()).toEqual(["172.20.0.0/16", "10.64.0.0/16"]);
  await move(driver, "old", "failed");
  await obey(driver, host);
  expect(await pools()).toEqual(["172.20.0.0/16"]);
  vi.stubEnv("SLIPWAY_SUBNET_POOL", "8.8.8.0/24");
  expect(await pools()).toEqual(["172.20.0.0/16"]);
});

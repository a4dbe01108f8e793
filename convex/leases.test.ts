import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LEASE_MS } from "./model/hosts.ts";
import { api } from "./_generated/api.js";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { WORKER } from "../tests/controlPlane/driver.ts";
import { allEvents, createProject, move, registerHost, show } from "../tests/controlPlane/world.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function pass(t: ReturnType<typeof openConvexTest>, ms: number) {
  vi.advanceTimersByTime(ms);
  await t.finishInProgressScheduledFunctions();
}

async function world() {
  const t = openConvexTest();
  const driver = driverOf(t);
  const host = await registerHost(driver);
  await createProject(driver, "shop");
  await move(driver, "shop", "planning", "development");
  const hostState = async () => (await show(driver, "shop")).hostState;
  return { t, driver, host, hostState };
}

test("a host that sends no heartbeat is lost when its lease runs out", async () => {
  const { t, driver, hostState } = await world();
  await pass(t, LEASE_MS - 1000);
  expect(await hostState()).toBe("live");
  await pass(t, 2000);
  expect(await hostState()).toBe("lost");
  expect((await allEvents(driver)).map((event) => event.type)).toContain("host.lost");
});

test("heartbeats keep the lease, with one scheduled job at any time", async () => {
  const { t, driver, host, hostState } = await world();
  for (let beat = 0; beat < 12; beat++) {
    await pass(t, LEASE_MS / 3);
    await driver.as(WORKER).mutation(api.worker.heartbeat, { hostId: host.hostId, epoch: host.epoch });
  }
  expect(await hostState()).toBe("live");
  const pending = await t.run(async (ctx) => {
    const jobs = await ctx.db.system.query("_scheduled_functions").collect();
    return jobs.filter((job) => job.state.kind === "pending").length;
  });
  expect(pending).toBe(1);
});

test("a worker that was cut off has its host again with its next heartbeat", async () => {
  const { t, driver, host, hostState } = await world();
  await pass(t, LEASE_MS + 1000);
  expect(await hostState()).toBe("lost");
  await driver.as(WORKER).mutation(api.worker.heartbeat, { hostId: host.hostId, epoch: host.epoch });
  expect(await hostState()).toBe("live");
  await pass(t, LEASE_MS + 1000);
  expect(await hostState()).toBe("lost");
});

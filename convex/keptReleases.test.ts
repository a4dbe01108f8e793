import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api } from "./_generated/api.js";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN, WORKER } from "../tests/controlPlane/driver.ts";
import { createProject, move, obey, registerHost, testedRelease } from "../tests/controlPlane/world.ts";

/** How long a release is kept ready for a rollback, by the control plane's clock alone. */

const KEEP_MS = 10 * 60_000;
const project = "shop";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function world() {
  const t = openConvexTest();
  const driver = driverOf(t);
  const host = await registerHost(driver);
  const { hostId, epoch } = host;
  const { projectId } = await createProject(driver, project);
  const worker = driver.as(WORKER);
  const deploy = async () => {
    const spec = await worker.query(api.worker.project, { hostId, projectId });
    return spec!.environments.find(({ kind }) => kind === "deploy")!;
  };
  const becomesLive = async () => {
    const { release, generation } = await deploy();
    const of = { hostId, epoch, projectId, releaseId: release!.releaseId, rollout: `r-${generation}` };
    const told = { state: "live", cause: null, receipt: null, startedAt: 1, switchedAt: 2 } as const;
    await worker.mutation(api.worker.reportDeploy, { ...of, ...told });
  };
  await move(driver, project, "planning", "development");
  for (const first of [true, false]) {
    await testedRelease(driver, host, project);
    if (first) await move(driver, project, "deployment");
    else await driver.as(ADMIN).mutation(api.releases.deploy, { project });
    await becomesLive();
    if (first) await move(driver, project, "development");
  }
  await obey(driver, host);
  const pass = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    await t.finishInProgressScheduledFunctions();
  };
  const inbox = async () => {
    const rows = await worker.query(api.worker.inbox, { hostId });
    return rows.map(({ kind, generation }) => ({ kind, generation }));
  };
  const goBack = async () => {
    await driver.as(ADMIN).mutation(api.releases.rollback, { project });
    await becomesLive();
    await obey(driver, host);
  };
  return { deploy, pass, inbox, goBack };
}

test("a release that was kept ready for its time is told to its worker as kept no more", async () => {
  const { deploy, pass, inbox } = await world();
  expect((await deploy()).rollout?.kept).toEqual({ number: 1 });
  await pass(KEEP_MS - 1000);
  expect((await deploy()).rollout?.kept).toEqual({ number: 1 });
  expect(await inbox()).toEqual([]);
  await pass(2000);
  const { rollout, generation } = await deploy();
  expect(rollout?.kept).toBeNull();
  expect(await inbox()).toEqual([{ kind: "deploy", generation }]);
});

test("one that is kept anew meanwhile has all of its time", async () => {
  const { deploy, pass, goBack } = await world();
  await pass(KEEP_MS - 1000);
  await goBack();
  await pass(2000);
  expect((await deploy()).rollout?.kept).toEqual({ number: 2 });
  await pass(KEEP_MS);
  expect((await deploy()).rollout?.kept).toBeNull();
});

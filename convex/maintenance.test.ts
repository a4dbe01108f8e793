import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN, WORKER } from "../tests/controlPlane/driver.ts";
import {
  allEvents,
  createProject,
  move,
  obey,
  registerHost,
  show,
  testedRelease,
} from "../tests/controlPlane/world.ts";
import { api, internal } from "./_generated/api.js";

const DAY_MS = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

async function failedProject() {
  const t = openConvexTest();
  const driver = driverOf(t);
  const host = await registerHost(driver);
  const { projectId } = await createProject(driver, "shop");
  await move(driver, "shop", "planning", "development");
  await obey(driver, host);
  await move(driver, "shop", "failed");
  await obey(driver, host);
  const keeps = async () => {
    const spec = await driver.as(WORKER).query(api.worker.project, { hostId: host.hostId, projectId });
    return spec!.environments.map((row) => row.keepVolumes);
  };
  return { t, driver, host, keeps };
}

test("a failed project keeps its volumes for the retention time, then the worker is told to reclaim them", async () => {
  const { t, driver, host, keeps } = await failedProject();
  vi.advanceTimersByTime(6 * DAY_MS);
  await t.mutation(internal.maintenance.reclaimVolumes, {});
  expect(await keeps()).toEqual([true, true, true]);
  vi.advanceTimersByTime(DAY_MS);
  await t.mutation(internal.maintenance.reclaimVolumes, {});
  expect(await keeps()).toEqual([false, false, false]);
  const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
  expect(inbox).toHaveLength(3);
  await obey(driver, host);
  await t.mutation(internal.maintenance.reclaimVolumes, {});
  const reclaims = (await allEvents(driver, "shop")).filter(
    (event) => event.type === "environment.reclaimed",
  );
  expect(reclaims).toHaveLength(1);
});

test("a project that left failed in time keeps its volumes", async () => {
  const { t, driver, keeps } = await failedProject();
  await move(driver, "shop", "planning");
  vi.advanceTimersByTime(30 * DAY_MS);
  await t.mutation(internal.maintenance.reclaimVolumes, {});
  expect(await keeps()).toEqual([true, false, true]);
});

test("the retention time is the deployment's to set", async () => {
  vi.stubEnv("SLIPWAY_FAILED_RETENTION", "1h");
  const { t, keeps } = await failedProject();
  vi.advanceTimersByTime(3_600_000);
  await t.mutation(internal.maintenance.reclaimVolumes, {});
  expect(await keeps()).toEqual([false, false, false]);
});

test("old events go in pages, until only those within the retention time are left", async () => {
  const t = openConvexTest();
  const driver = driverOf(t);
  await t.run(async (ctx) => {
    const actor = { role: "system" as const, subject: "test" };
    for (let index = 0; index < 450; index++) {
      await ctx.db.insert("events", { type: "host.left", at: 0, actor, message: "old" });
    }
  });
  vi.advanceTimersByTime(91 * DAY_MS);
  await createProject(driver, "shop");
  await t.mutation(internal.maintenance.pruneEvents, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect((await allEvents(driver)).map((event) => event.type)).toEqual(["project.created"]);
});

test("a request is remembered for a week", async () => {
  const t = openConvexTest();
  const driver = driverOf(t);
  await createProject(driver, "shop");
  const request = { project: "shop", to: "planning", requestId: "r1" };
  await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, request);
  await t.mutation(internal.maintenance.pruneRequests, {});
  await move(driver, "shop", "failed");
  await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, request);
  expect(await show(driver, "shop")).toMatchObject({ status: "failed" });
  vi.advanceTimersByTime(8 * DAY_MS);
  await t.mutation(internal.maintenance.pruneRequests, {});
  await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, request);
  expect(await show(driver, "shop")).toMatchObject({ status: "planning" });
});

test("tokens that ended long ago are forgotten, revoked ones with no known end never", async () => {
  const t = openConvexTest();
  const admin = driverOf(t).as(ADMIN);
  const expiresAt = Date.now() + DAY_MS;
  await admin.mutation(api.tokens.registerToken, {
    tokenId: "token-0001",
    role: "viewer",
    subject: "vera",
    expiresAt,
  });
  await admin.mutation(api.tokens.revokeToken, { tokenId: "token-0002" });
  vi.advanceTimersByTime(40 * DAY_MS);
  await t.mutation(internal.maintenance.pruneTokens, {});
  const { page } = await admin.query(api.tokens.listTokens, {
    paginationOpts: { numItems: 9, cursor: null },
  });
  expect(page.map((row) => row.tokenId)).toEqual(["token-0002"]);
});

test("a deleted project's releases go page by page, with their manifests and outputs", async () => {
  const t = openConvexTest();
  const driver = driverOf(t);
  const host = await registerHost(driver);
  for (const name of ["shop", "other"]) {
    await createProject(driver, name);
    await move(driver, name, "planning");
  }
  for (let count = 0; count < 23; count++) {
    await move(driver, "shop", "development");
    await testedRelease(driver, host, "shop");
  }
  await move(driver, "other", "development");
  await testedRelease(driver, host, "other");
  await move(driver, "shop", "deleting");
  await obey(driver, host);
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  const left = await t.run(async (ctx) => [
    await ctx.db.query("releases").collect(),
    await ctx.db.query("releaseManifests").collect(),
    await ctx.db.query("releaseOutputs").collect(),
  ]);
  const { projectId } = await show(driver, "other");
  for (const rows of left) expect(rows.map((row) => row.projectId)).toEqual([projectId]);
});

describe("projects from before there were counts", () => {
  const PROJECTS = 230;

  /** A database as it was before: nobody has counted anything. */
  async function olderDatabase() {
    const t = openConvexTest();
    const driver = driverOf(t);
    const host = await registerHost(driver);
    for (const name of ["shop", "blog"]) {
      await createProject(driver, name);
      await move(driver, name, "planning", "development");
    }
    await createProject(driver, "early");
    await t.run(async (ctx) => {
      const { _id, _creationTime, ...shop } = (await ctx.db.query("projects").first())!;
      for (let index = 0; index < PROJECTS - 4; index++) {
        const names = { slug: `p-${index}`, namespace: `project_1700000000_aaaa${index}` };
        const { hostId: _host, ...created } = { ...shop, ...names, status: "created" as const };
        await ctx.db.insert("projects", created);
      }
    });
    await createProject(driver, "late");
    await t.run(async (ctx) => {
      for (const { _id } of await ctx.db.query("projects").collect()) {
        await ctx.db.patch("projects", _id, { counted: undefined });
      }
      for (const { _id } of await ctx.db.query("projectCounts").collect()) await ctx.db.delete(_id);
      for (const { _id } of await ctx.db.query("hostLoads").collect()) {
        await ctx.db.patch("hostLoads", _id, { projects: undefined });
      }
    });
    const counts = () => driver.as(ADMIN).query(api.projects.statusCounts, {});
    const living = async () => (await driver.as(ADMIN).query(api.hosts.listHosts, {}))[0]!.projects;
    return { t, driver, host, counts, living };
  }

  test("are counted once, in pages, when a worker registers", async () => {
    const { t, driver, counts, living } = await olderDatabase();
    expect(await counts()).toMatchObject({ created: 0, development: 0 });
    await registerHost(driver);
    await registerHost(driver);
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    expect(await counts()).toMatchObject({ created: PROJECTS - 2, development: 2 });
    expect(await living()).toBe(2);
    await t.mutation(internal.maintenance.countProjects, {});
    expect(await counts()).toMatchObject({ created: PROJECTS - 2, development: 2 });
  });

  test("are counted right where some were moved, made and deleted before it came to them", async () => {
    const { t, driver, host, counts, living } = await olderDatabase();
    await move(driver, "shop", "paused");
    await move(driver, "blog", "deleting");
    await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "early" });
    await createProject(driver, "new");
    // One page of two has been counted when these come.
    await t.mutation(internal.maintenance.countProjects, {});
    await move(driver, "new", "planning");
    await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "late" });
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    expect(await counts()).toMatchObject({ created: PROJECTS - 4, planning: 1, paused: 1, deleting: 1 });
    expect(await living()).toBe(2);
    await obey(driver, host);
    expect(await counts()).toMatchObject({ created: PROJECTS - 4, planning: 1, paused: 1, deleting: 0 });
    expect(await living()).toBe(1);
  });
});

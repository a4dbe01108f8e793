import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { STATUSES, type Status } from "../../core/lifecycle.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Caller, type Driver } from "./driver.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, environment, move, obey, observed, registerHost, show } from "./world.ts";

/** How many projects are where, and what a list says of each. */
export function countSuite(it: SuiteTest): void {
  const nothing = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  const countsFor = (caller: Caller) => caller.query(api.projects.statusCounts, {});
  const counts = (driver: Driver) => countsFor(driver.as(ADMIN));

  describe("statusCounts", () => {
    it("follows a project from its creation to its end", async ({ driver }) => {
      expect(await counts(driver)).toEqual(nothing);
      const host = await registerHost(driver);
      await createProject(driver, "shop");
      await createProject(driver, "blog");
      expect(await counts(driver)).toEqual({ ...nothing, created: 2 });
      await move(driver, "shop", "planning", "development");
      expect(await counts(driver)).toEqual({ ...nothing, created: 1, development: 1 });
      await move(driver, "shop", "paused", "development", "failed");
      expect(await counts(driver)).toEqual({ ...nothing, created: 1, failed: 1 });
      // One that no worker ever had anything of goes at once.
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "blog" });
      expect(await counts(driver)).toEqual({ ...nothing, failed: 1 });
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      expect(await counts(driver)).toEqual({ ...nothing, deleting: 1 });
      await obey(driver, host);
      expect(await counts(driver)).toEqual(nothing);
    });

    it("counts no refused and no repeated move", async ({ driver }) => {
      await createProject(driver, "shop");
      const go = { project: "shop", to: "planning", requestId: "once" };
      const admin = driver.as(ADMIN);
      await admin.mutation(api.projects.updateProjectStatus, go);
      await admin.mutation(api.projects.updateProjectStatus, go);
      await expect(
        admin.mutation(api.projects.updateProjectStatus, { project: "shop", to: "testing" }),
      ).rejects.toThrow();
      expect(await counts(driver)).toEqual({ ...nothing, planning: 1 });
    });

    it("shows a token of one project that project alone", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop");
      await createProject(driver, "blog");
      await move(driver, "shop", "planning");
      const agent = driver.as(agentOf(projectId, "read"));
      expect(await countsFor(agent)).toEqual({ ...nothing, planning: 1 });
      expect(await countsFor(driver.as({ ...VIEWER, project: projectId }))).toEqual({
        ...nothing,
        planning: 1,
      });
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      expect(await countsFor(agent)).toEqual(nothing);
    });
  });

  describe("a list of projects", () => {
    it("says where each may go, since when and why it is there, what it runs on and what is wrong", async ({
      driver,
    }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      const first = async () => {
        const paginationOpts = { numItems: 10, cursor: null };
        return (await driver.as(ADMIN).query(api.projects.listProjects, { paginationOpts })).page[0]!;
      };
      expect(await first()).toMatchObject({
        allowedNext: ["planning", "failed", "deleting"],
        statusReason: null,
        host: null,
        trouble: null,
        release: null,
      });
      await move(driver, "shop", "planning", "development", "testing");
      const { statusChangedAt } = await show(driver, "shop");
      const { generation } = await environment(driver, "shop", "test");
      const broken = {
        ...observed("test", generation, "failed"),
        message: "The image shop-api:1 is not there. Build it, or push it to a registry.",
      };
      const told = { hostId, epoch, projectId, environments: [broken] };
      await driver.as(WORKER).mutation(api.worker.report, told);
      expect(await first()).toMatchObject({
        status: "testing",
        allowedNext: ["deployment", "development", "paused", "failed", "deleting"],
        statusReason: "the test wants it there",
        statusChangedAt,
        host: "host-1",
        trouble: "The image shop-api:1 is not there",
        release: 1,
      });
    });
  });
}

import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN, agentOf, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, environment, move, obey, registerHost, show } from "./world.ts";

/** Sets of projects that share a network and attachments. */
export function groupSuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 10, cursor: null };
  const create = (driver: Driver, name: string, attachments?: unknown) =>
    driver.as(ADMIN).mutation(api.groups.createGroup, { name, attachments });
  const set = (driver: Driver, project: string, group: string | null) =>
    driver.as(ADMIN).mutation(api.groups.setGroup, { project, group });
  const list = async (driver: Driver) =>
    (await driver.as(ADMIN).query(api.groups.listGroups, { paginationOpts })).page;

  describe("groups", () => {
    it("share one network for each kind, on one host, as long as a member is there", async ({ driver }) => {
      const one = await registerHost(driver, { name: "one" });
      await registerHost(driver, { name: "two" });
      await create(driver, "backend", ["postgres:15"]);
      for (const name of ["shop", "blog"]) {
        await createProject(driver, name, { group: "backend" });
        await move(driver, name, "planning", "development");
      }
      const shop = await show(driver, "shop");
      const blog = await show(driver, "blog");
      expect([shop.host, blog.host]).toEqual(["one", "one"]);
      expect(shop.group).toBe("backend");
      const specOf = (projectId: string) =>
        driver.as(WORKER).query(api.worker.project, { hostId: one.hostId, projectId });
      const group = (await specOf(shop.projectId))!.group!;
      expect(group).toMatchObject({
        name: "backend",
        namespace: expect.stringMatching(/^group_/),
        attachments: [{ image: "postgres:15", alias: "postgres" }],
      });
      const own = (await environment(driver, "shop", "dev")).subnet;
      expect(group.subnets.dev).toMatch(/\/26$/);
      expect(group.subnets.dev).not.toBe(own);
      expect((await specOf(blog.projectId))!.group).toEqual(group);
      await obey(driver, one);
      await move(driver, "shop", "failed");
      await obey(driver, one);
      expect((await specOf(blog.projectId))!.group!.subnets).toEqual(group.subnets);
      await move(driver, "blog", "failed");
      await obey(driver, one);
      expect((await specOf(blog.projectId))!.group!.subnets).toEqual({});
    });

    it("live on their host as long as they have a member, also when none of those lives there", async ({
      driver,
    }) => {
      const host = await registerHost(driver, { name: "one" });
      const groups = async ({ hostId }: { hostId: string }) =>
        (await driver.as(WORKER).query(api.worker.groups, { hostId, paginationOpts })).page;
      await create(driver, "backend", ["postgres:15"]);
      for (const name of ["shop", "blog"]) await createProject(driver, name, { group: "backend" });
      expect(await groups(host)).toEqual([]);
      await move(driver, "shop", "planning", "development");
      const { namespace } = (await list(driver))[0]!;
      expect(await groups(host)).toEqual([namespace]);
      expect(await groups(await registerHost(driver, { name: "two" }))).toEqual([]);
      for (const [name, left] of [
        ["shop", [namespace]],
        ["blog", []],
      ] as const) {
        await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: name });
        await obey(driver, host);
        expect(await groups(host)).toEqual(left);
      }
    });

    it("are harmless while empty, and can be deleted only then", async ({ driver }) => {
      await create(driver, "backend");
      await createProject(driver, "shop");
      await set(driver, "shop", "backend");
      expect(await list(driver)).toMatchObject([{ name: "backend", projects: ["shop"] }]);
      const remove = () => driver.as(ADMIN).mutation(api.groups.deleteGroup, { group: "backend" });
      await expectRefused(remove(), "bad_request");
      await set(driver, "shop", null);
      await remove();
      expect(await list(driver)).toEqual([]);
      expect(await show(driver, "shop")).toMatchObject({ group: null });
    });

    it("are made by the first manifest that names them", async ({ driver }) => {
      await createProject(driver, "shop", { group: "backend" });
      await createProject(driver, "blog", { group: "backend" });
      expect(await list(driver)).toMatchObject([{ name: "backend", projects: ["shop", "blog"] }]);
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      expect(await list(driver)).toMatchObject([{ name: "backend", projects: ["blog"] }]);
    });

    it("share their names with projects", async ({ driver }) => {
      await createProject(driver, "shop");
      await expectRefused(create(driver, "shop"), "name_taken");
      await create(driver, "backend");
      await expectRefused(create(driver, "backend"), "name_taken");
      expect((await expectRefused(createProject(driver, "Backend"), "name_taken")).hint).toBe(
        "backend-2 is free.",
      );
      await expectRefused(create(driver, "Back End"), "bad_request");
    });

    it("take a project that is in none, and nothing of which runs", async ({ driver }) => {
      await registerHost(driver);
      await create(driver, "one");
      await create(driver, "two");
      await createProject(driver, "shop", { group: "one" });
      await expectRefused(set(driver, "shop", "two"), "bad_request");
      await move(driver, "shop", "planning", "development");
      await expectRefused(set(driver, "shop", null), "guard_failed");
      await expectRefused(set(driver, "shop", "nosuch"), "not_found");
    });

    it("show an agent its own project's group, without the other members", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop", { group: "backend" });
      await createProject(driver, "blog", { group: "backend" });
      await create(driver, "frontend");
      const agent = driver.as(agentOf(projectId, "read"));
      const { page } = await agent.query(api.groups.listGroups, { paginationOpts });
      expect(page).toMatchObject([{ name: "backend", projects: ["shop"] }]);
    });
  });
}

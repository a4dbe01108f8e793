import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, obey, registerHost, show } from "./world.ts";

/** Making, finding and deleting projects. */
export function projectSuite(it: SuiteTest): void {
  const firstPage = { numItems: 10, cursor: null };

  describe("createProject", () => {
    it("makes a project that can be found by slug, namespace and id", async ({ driver }) => {
      const made = await createProject(driver, "My Shop!");
      expect(made).toMatchObject({
        slug: "my-shop",
        namespace: expect.stringMatching(/^project_\d+_[a-z0-9]{8}$/),
      });
      for (const ref of [made.slug, made.namespace, made.projectId]) {
        expect(await show(driver, ref)).toMatchObject({
          projectId: made.projectId,
          name: "My Shop!",
          status: "created",
          host: null,
          pausedFrom: null,
          allowedNext: ["planning", "failed", "deleting"],
        });
      }
    });

    it("starts with three absent environments, without subnets", async ({ driver }) => {
      await createProject(driver, "shop");
      const { environments } = await show(driver, "shop");
      expect(environments.map(({ kind, desired, phase, subnet }) => [kind, desired, phase, subnet])).toEqual([
        ["dev", "absent", "absent", null],
        ["test", "absent", "absent", null],
        ["deploy", "absent", "absent", null],
      ]);
    });

    it("takes the name from the argument and the rest from the manifest", async ({ driver }) => {
      await createProject(driver, "shop", { stack: "python", env: { LOG_LEVEL: "info" } });
      const { manifest } = await show(driver, "shop");
      expect(manifest).toMatchObject({
        name: "shop",
        stack: "python",
        env: { LOG_LEVEL: "info" },
        egress: "open",
      });
    });

    it("refuses a name that is taken, and says which is free", async ({ driver }) => {
      await createProject(driver, "shop");
      await createProject(driver, "shop 2");
      const refused = await expectRefused(createProject(driver, "SHOP"), "name_taken");
      expect(refused.hint).toBe("shop-3 is free.");
    });

    it("refuses a name that gives no slug", async ({ driver }) => {
      await expectRefused(createProject(driver, "!!!"), "bad_request");
    });

    it("refuses a manifest with an unknown key, naming it", async ({ driver }) => {
      const refused = await expectRefused(createProject(driver, "shop", { stak: "node" }), "bad_manifest");
      expect(refused.message).toContain("stak: an unknown key");
      expect(await driver.as(ADMIN).query(api.projects.getProject, { project: "shop" })).toBeNull();
    });

    it("refuses a stack that no host has, and lists those that there are", async ({ driver }) => {
      await registerHost(driver, { stacks: ["python", "node"] });
      const refused = await expectRefused(createProject(driver, "shop", { stack: "cobol" }), "bad_manifest");
      expect(refused).toMatchObject({ path: "stack", allowed: ["node", "python"] });
    });
  });

  describe("listProjects", () => {
    it("pages through all of them, newest first", async ({ driver }) => {
      for (const name of ["one", "two", "three"]) await createProject(driver, name);
      const admin = driver.as(ADMIN);
      const first = await admin.query(api.projects.listProjects, {
        paginationOpts: { numItems: 2, cursor: null },
      });
      expect(first.page.map((row) => row.slug)).toEqual(["three", "two"]);
      const paginationOpts = { numItems: 2, cursor: first.continueCursor };
      const second = await admin.query(api.projects.listProjects, { paginationOpts });
      expect(second.page.map((row) => row.slug)).toEqual(["one"]);
    });

    it("filters by status", async ({ driver }) => {
      await createProject(driver, "one");
      await createProject(driver, "two");
      await move(driver, "two", "planning");
      const paginationOpts = firstPage;
      const planned = await driver
        .as(ADMIN)
        .query(api.projects.listProjects, { status: "planning", paginationOpts });
      expect(planned.page).toMatchObject([{ slug: "two", status: "planning", stack: "node" }]);
    });
  });

  describe("deleteProject", () => {
    it("removes a project that never ran at once, and keeps its events", async ({ driver }) => {
      const { namespace } = await createProject(driver, "shop");
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop", reason: "a mistake" });
      expect(await driver.as(ADMIN).query(api.projects.getProject, { project: "shop" })).toBeNull();
      const events = await driver
        .as(ADMIN)
        .query(api.events.listEvents, { project: namespace, paginationOpts: firstPage });
      expect(events.page.map((event) => event.type)).toEqual([
        "project.deleted",
        "project.transition",
        "project.created",
      ]);
    });

    it("keeps a project that ran in deleting until its worker confirms", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      expect(await show(driver, "shop")).toMatchObject({ status: "deleting", allowedNext: [] });
      await obey(driver, host);
      expect(await driver.as(ADMIN).query(api.projects.getProject, { project: "shop" })).toBeNull();
    });

    it("frees the name", async ({ driver }) => {
      await createProject(driver, "shop");
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      await expect(createProject(driver, "shop")).resolves.toMatchObject({ slug: "shop" });
    });

    it("refuses an unknown project with one clear line", async ({ driver }) => {
      const call = driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "nosuch" });
      expect(await expectRefused(call, "not_found")).toMatchObject({
        message: 'There is no project "nosuch".',
        hint: "slipway project list shows the projects.",
      });
    });
  });
}

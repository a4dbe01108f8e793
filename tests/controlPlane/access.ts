import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN, agentOf, VIEWER, WORKER } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, registerHost } from "./world.ts";

/** Who may do what. */
export function accessSuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 10, cursor: null };

  describe("access", () => {
    it("refuses a call without a token", async ({ driver }) => {
      const nobody = driver.as(null);
      await expectRefused(nobody.query(api.projects.listProjects, { paginationOpts }), "unauthenticated");
      await expectRefused(nobody.mutation(api.projects.createProject, { name: "shop" }), "unauthenticated");
    });

    it("lets a viewer look, and nothing else", async ({ driver }) => {
      await createProject(driver, "shop");
      const viewer = driver.as(VIEWER);
      expect(await viewer.query(api.projects.getProject, { project: "shop" })).toMatchObject({
        slug: "shop",
      });
      await expectRefused(viewer.mutation(api.projects.createProject, { name: "x" }), "forbidden");
      const go = { project: "shop", to: "planning" };
      await expectRefused(viewer.mutation(api.projects.updateProjectStatus, go), "forbidden");
      await expectRefused(viewer.mutation(api.projects.deleteProject, { project: "shop" }), "forbidden");
    });

    it("gives workers' functions to workers alone", async ({ driver }) => {
      const { hostId } = await registerHost(driver);
      for (const claims of [ADMIN, VIEWER]) {
        await expectRefused(driver.as(claims).query(api.worker.inbox, { hostId }), "forbidden");
      }
      const move = { project: "shop", to: "planning" };
      await expectRefused(driver.as(WORKER).mutation(api.projects.updateProjectStatus, move), "forbidden");
    });

    it("lets an agent make the moves that its verbs name, in its own project", async ({ driver }) => {
      await registerHost(driver);
      const { projectId, namespace } = await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      const go = { project: "shop", to: "development" };
      const reader = driver.as(agentOf(projectId, "read"));
      await expectRefused(reader.mutation(api.projects.updateProjectStatus, go), "forbidden");
      const planner = driver.as(agentOf(namespace, "read", "move:development"));
      expect(await planner.mutation(api.projects.updateProjectStatus, go)).toMatchObject({ changed: true });
    });

    it("lets no agent make an admin's moves or override a guard", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop");
      const agent = driver.as(agentOf(projectId, "read", "move:planning", "move:testing"));
      const go = { project: "shop", to: "planning" };
      await expectRefused(agent.mutation(api.projects.updateProjectStatus, go), "forbidden");
      const override = { ...go, override: true, reason: "please" };
      await expectRefused(agent.mutation(api.projects.updateProjectStatus, override), "forbidden");
    });

    it("lets an admin of one project do what is that project's, and see and change nothing else", async ({
      driver,
    }) => {
      const { projectId } = await createProject(driver, "mine");
      await createProject(driver, "other");
      const token = { role: "viewer", subject: "x", expiresAt: Date.now() + 60_000 } as const;
      const all = driver.as(ADMIN);
      await all.mutation(api.tokens.registerToken, { ...token, tokenId: "token-of-mine", project: "mine" });
      await all.mutation(api.tokens.registerToken, { ...token, tokenId: "token-of-other", project: "other" });
      const own = driver.as({ ...ADMIN, project: projectId });
      const go = (project: string) => ({ project, to: "planning" });
      await own.mutation(api.projects.updateProjectStatus, go("mine"));
      await expectRefused(own.mutation(api.projects.updateProjectStatus, go("other")), "not_found");
      await expectRefused(own.mutation(api.projects.createProject, { name: "third" }), "forbidden");
      await expectRefused(own.mutation(api.groups.createGroup, { name: "third" }), "forbidden");
      const register = { ...token, tokenId: "token-of-all" };
      await expectRefused(own.mutation(api.tokens.registerToken, register), "forbidden");
      await expectRefused(own.query(api.tokens.listTokens, { paginationOpts }), "forbidden");
      const listed = await own.query(api.tokens.listTokens, { project: "mine", paginationOpts });
      expect(listed.page.map(({ tokenId }) => tokenId)).toEqual(["token-of-mine"]);
      const revoke = (tokenId: string) => own.mutation(api.tokens.revokeToken, { tokenId });
      await expectRefused(revoke("token-of-other"), "not_found");
      await expectRefused(revoke("token-of-nobody-knows"), "not_found");
      await revoke("token-of-mine");
    });

    it("does not let an agent tell another project from none", async ({ driver }) => {
      const { projectId } = await createProject(driver, "mine");
      const other = await createProject(driver, "other");
      const agent = driver.as(agentOf(projectId, "read", "move:planning"));
      expect((await agent.query(api.projects.listProjects, { paginationOpts })).page).toMatchObject([
        { slug: "mine" },
      ]);
      const events = await agent.query(api.events.listEvents, { paginationOpts });
      expect(events.page.map((event) => event.project)).toEqual(["mine"]);
      for (const project of ["other", other.namespace, other.projectId, "nosuch"]) {
        expect(await agent.query(api.projects.getProject, { project })).toBeNull();
        expect(await agent.query(api.events.listEvents, { project, paginationOpts })).toMatchObject({
          page: [],
        });
        const call = agent.mutation(api.projects.updateProjectStatus, { project, to: "planning" });
        expect((await expectRefused(call, "not_found")).message).toBe(`There is no project "${project}".`);
      }
    });
  });
}

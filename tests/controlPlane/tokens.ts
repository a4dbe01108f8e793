import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN, agentOf, VIEWER } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, move } from "./world.ts";

/** Agents and their tokens. */
export function tokenSuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 10, cursor: null };
  const inAnHour = () => Date.now() + 3_600_000;

  describe("agents", () => {
    it("are made when planning starts, each with the verbs of its work", async ({ driver }) => {
      await createProject(driver, "shop");
      const list = () => driver.as(ADMIN).query(api.agents.listAgents, { project: "shop" });
      expect(await list()).toEqual([]);
      await move(driver, "shop", "planning");
      expect(await list()).toMatchObject([
        {
          name: "planner",
          state: "made",
          verbs: ["read", "report", "logs", "files.read", "move:development"],
        },
        { name: "developer", state: "made" },
        {
          name: "tester",
          state: "made",
          verbs: ["read", "report", "logs", "files.read", "exec", "move:development"],
        },
        { name: "deployer", state: "made" },
      ]);
      await move(driver, "shop", "failed");
      expect((await list()).map((agent) => agent.state)).toEqual(["idle", "idle", "idle", "idle"]);
      await move(driver, "shop", "planning");
      expect(await list()).toHaveLength(4);
    });
  });

  describe("tokens", () => {
    it("are listed, without the token, by project", async ({ driver }) => {
      await createProject(driver, "shop");
      const admin = driver.as(ADMIN);
      const token = {
        tokenId: "token-0001",
        role: "agent",
        subject: "planner",
        expiresAt: inAnHour(),
      } as const;
      await admin.mutation(api.tokens.registerToken, { ...token, project: "shop", verbs: ["read"] });
      await admin.mutation(api.tokens.registerToken, { ...token, tokenId: "token-0002", role: "viewer" });
      const all = await admin.query(api.tokens.listTokens, { paginationOpts });
      expect(all.page.map((row) => row.tokenId)).toEqual(["token-0002", "token-0001"]);
      const ofShop = await admin.query(api.tokens.listTokens, { project: "shop", paginationOpts });
      expect(ofShop.page).toMatchObject([
        { tokenId: "token-0001", project: "shop", verbs: ["read"], issuedBy: "ada", revokedAt: null },
      ]);
    });

    it("are worth nothing once revoked, whether or not they were registered", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop");
      const admin = driver.as(ADMIN);
      await admin.mutation(api.tokens.registerToken, {
        tokenId: "token-0001",
        role: "agent",
        subject: "planner",
        project: "shop",
        expiresAt: inAnHour(),
      });
      for (const tokenId of ["token-0001", "token-unknown"]) {
        const agent = driver.as({ ...agentOf(projectId, "read"), tokenId });
        await expect(agent.query(api.projects.getProject, { project: "shop" })).resolves.toMatchObject({});
        await admin.mutation(api.tokens.revokeToken, { tokenId });
        await expectRefused(agent.query(api.projects.getProject, { project: "shop" }), "unauthenticated");
        await admin.mutation(api.tokens.revokeToken, { tokenId });
      }
      const types = (await allEvents(driver)).map((event) => event.type);
      expect(types.filter((type) => type === "token.revoked")).toHaveLength(2);
    });

    it("are an admin's business alone", async ({ driver }) => {
      const viewer = driver.as(VIEWER);
      await expectRefused(viewer.query(api.tokens.listTokens, { paginationOpts }), "forbidden");
      await expectRefused(viewer.mutation(api.tokens.revokeToken, { tokenId: "token-0001" }), "forbidden");
    });

    it("are refused with verbs that do not exist, and for agents without a project", async ({ driver }) => {
      const admin = driver.as(ADMIN);
      const token = { tokenId: "token-0001", role: "agent", subject: "x", expiresAt: inAnHour() } as const;
      await expectRefused(admin.mutation(api.tokens.registerToken, token), "bad_request");
      const viewer = { ...token, role: "viewer" as const, verbs: ["fly"] };
      await expectRefused(admin.mutation(api.tokens.registerToken, viewer), "bad_request");
    });
  });
}

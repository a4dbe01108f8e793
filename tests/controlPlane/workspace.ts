import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { WorkspaceVerb } from "../../core/access.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type TestClaims } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, registerHost } from "./world.ts";

/** Who may reach files and containers, by which door, and what is kept of it; what becomes of a project's source. */
export function workspaceSuite(it: SuiteTest): void {
  const knock = (verb: WorkspaceVerb, environment: "dev" | "deploy" = "dev", detail?: string) => ({
    ...{ project: "shop", environment, verb },
    ...(detail === undefined ? {} : { detail }),
  });

  describe("a worker's door", () => {
    it("opens for admins; for viewers to read; for agents by their verbs, and never into deploy", async ({
      driver,
    }) => {
      const { projectId } = await createProject(driver, "shop");
      const may = async (claims: TestClaims, verb: WorkspaceVerb, environment: "dev" | "deploy" = "dev") => {
        const call = driver.as(claims).mutation(api.workspace.authorize, knock(verb, environment));
        return await call.then(
          () => true,
          async () => {
            await expectRefused(
              driver.as(claims).mutation(api.workspace.authorize, knock(verb, environment)),
              "forbidden",
            );
            return false;
          },
        );
      };
      const verbs = ["files.read", "files.write", "exec"] as const;
      const allowed = async (claims: TestClaims, environment: "dev" | "deploy" = "dev") => {
        const found: string[] = [];
        for (const verb of verbs) if (await may(claims, verb, environment)) found.push(verb);
        return found;
      };
      expect(await allowed(ADMIN)).toEqual([...verbs]);
      expect(await allowed(ADMIN, "deploy")).toEqual([...verbs]);
      expect(await allowed(VIEWER)).toEqual(["files.read"]);
      expect(await allowed(WORKER)).toEqual([]);
      expect(await allowed(agentOf(projectId, "read"))).toEqual([]);
      expect(await allowed(agentOf(projectId, "read", "files.write"))).toEqual(["files.write"]);
      const agent = agentOf(projectId, "read", ...verbs);
      expect(await allowed(agent)).toEqual([...verbs]);
      expect(await allowed(agent, "deploy")).toEqual([]);
    });

    it("is not opened into another project, and not told from one that is not there", async ({ driver }) => {
      const { projectId } = await createProject(driver, "mine");
      await createProject(driver, "shop");
      const agent = driver.as(agentOf(projectId, "read", "files.read", "files.write", "exec"));
      for (const project of ["shop", "nosuch"]) {
        const call = agent.mutation(api.workspace.authorize, { ...knock("exec"), project });
        expect((await expectRefused(call, "not_found")).message).toBe(`There is no project "${project}".`);
      }
      expect((await allEvents(driver)).filter(({ type }) => type.startsWith("workspace."))).toEqual([]);
    });

    it("records what changes something, in few words, and not who only looks", async ({ driver }) => {
      await createProject(driver, "shop");
      const admin = driver.as(ADMIN);
      await admin.mutation(api.workspace.authorize, knock("files.read"));
      await admin.mutation(api.workspace.authorize, knock("exec", "dev", "node"));
      await admin.mutation(api.workspace.authorize, knock("files.write", "dev", "x".repeat(5000)));
      const [ran, wrote, ...more] = (await allEvents(driver, "shop")).filter(({ type }) =>
        type.startsWith("workspace."),
      );
      expect(more).toEqual([]);
      expect(ran).toMatchObject({
        type: "workspace.exec",
        environment: "dev",
        message: "ada ran node in shop dev.",
        actor: { role: "admin", subject: "ada" },
      });
      expect(wrote!.type).toBe("workspace.written");
      expect(wrote!.message.length).toBeLessThan(300);
    });

    it("is found through the project's host", async ({ driver }) => {
      await createProject(driver, "shop");
      const viewer = driver.as(VIEWER);
      const nowhere = { slug: "shop", host: null, hostState: null, url: null };
      expect(await viewer.query(api.workspace.door, { project: "shop" })).toMatchObject(nowhere);
      const register = (doorUrl?: string) =>
        driver.as(WORKER).mutation(api.worker.register, {
          ...{ name: "host-1", instanceId: "abcd1234", version: "0", engineVersion: "28" },
          ...{ cpus: 64, memoryBytes: 1e12, doorUrl },
        });
      await register("http://127.0.0.1:4000");
      for (const to of ["planning", "development"]) {
        await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, { project: "shop", to });
      }
      const there = { host: "host-1", hostState: "live", url: "http://127.0.0.1:4000" };
      expect(await viewer.query(api.workspace.door, { project: "shop" })).toMatchObject(there);
      await register();
      expect(await viewer.query(api.workspace.door, { project: "shop" })).toMatchObject({ url: null });
      await expectRefused(register("javascript:alert(1)"), "bad_request");
    });
  });

  describe("a project's source", () => {
    it("is awaited where the manifest names a folder, and refused where it does not", async ({ driver }) => {
      const { hostId } = await registerHost(driver);
      await createProject(driver, "plain");
      const repository = "https://git.example/a/b.git";
      await createProject(driver, "cloned", { stack: "node", source: repository });
      const { projectId } = await createProject(driver, "folder", { stack: "node", source: "./app" });
      const admin = driver.as(ADMIN);
      for (const project of ["plain", "cloned"]) {
        await expectRefused(admin.mutation(api.sources.uploadUrl, { project }), "bad_request");
      }
      expect(await admin.mutation(api.sources.uploadUrl, { project: "folder" })).toMatch(/^https?:\/\//);
      const archive = { storageId: "nosuch", sha256: "0".repeat(64), bytes: 1, files: 1 };
      const attach = admin.mutation(api.sources.attach, { project: "folder", ...archive });
      await expectRefused(attach, "not_found");
      for (const to of ["planning", "development"]) {
        await admin.mutation(api.projects.updateProjectStatus, { project: "folder", to });
      }
      expect(await driver.as(WORKER).query(api.worker.source, { hostId, projectId })).toEqual({
        state: "waiting",
      });
    });

    it("with a password in it is refused without saying it", async ({ driver }) => {
      const source = "https://me:s3cret@git.example/a";
      const call = createProject(driver, "leaky", { stack: "node", source });
      const { message } = await expectRefused(call, "bad_manifest");
      expect(message).toContain("GIT_TOKEN");
      expect(message).not.toContain("s3cret");
    });
  });
}

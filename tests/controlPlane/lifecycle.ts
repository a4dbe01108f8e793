import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, environment, move, obey, observed, registerHost, show } from "./world.ts";
import { WORKER } from "./driver.ts";

/** What a move does, and which are refused. */
export function lifecycleSuite(it: SuiteTest): void {
  const to = (project: string, status: string, more: object = {}) => ({ project, to: status, ...more });

  describe("updateProjectStatus", () => {
    it("makes dev run on a host, with subnets of its own, and tells the worker", async ({ driver }) => {
      const { hostId } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      expect(await show(driver, "shop")).toMatchObject({ host: null });
      const result = await driver
        .as(ADMIN)
        .mutation(api.projects.updateProjectStatus, to("shop", "development"));
      expect(result).toEqual({ from: "planning", to: "development", changed: true, generation: 2 });
      expect(await show(driver, "shop")).toMatchObject({ host: "host-1", hostState: "live" });
      expect(await environment(driver, "shop", "dev")).toMatchObject({
        desired: "running",
        phase: "pending",
        generation: 2,
        subnet: "10.128.0.0/26",
        egressSubnet: "10.128.0.64/26",
      });
      const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId });
      expect(inbox).toEqual([{ projectId, kind: "dev", generation: 2 }]);
    });

    it("gives no egress subnet to a project without egress", async ({ driver }) => {
      await registerHost(driver);
      await createProject(driver, "shop", { egress: "none" });
      await move(driver, "shop", "planning", "development");
      expect(await environment(driver, "shop", "dev")).toMatchObject({
        subnet: "10.128.0.0/26",
        egressSubnet: null,
      });
    });

    it("refuses a move along no edge, and lists the moves that there are", async ({ driver }) => {
      await createProject(driver, "shop");
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "deployment"));
      expect(await expectRefused(call, "illegal_transition")).toMatchObject({
        message: "shop cannot go from created to deployment.",
        allowed: ["planning", "failed", "deleting"],
      });
    });

    it("refuses a status that does not exist", async ({ driver }) => {
      await createProject(driver, "shop");
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "done"));
      await expectRefused(call, "bad_request");
    });

    it("changes nothing when the project is there already", async ({ driver }) => {
      await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      const again = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "planning"));
      await expect(again).resolves.toEqual({
        from: "planning",
        to: "planning",
        changed: false,
        generation: 1,
      });
    });

    it("compares before it sets", async ({ driver }) => {
      await createProject(driver, "shop");
      const call = driver
        .as(ADMIN)
        .mutation(api.projects.updateProjectStatus, to("shop", "planning", { expectedFrom: "failed" }));
      await expectRefused(call, "status_changed");
      expect(await show(driver, "shop")).toMatchObject({ status: "created" });
    });

    it("answers a repeated request as before, even when the project has moved on", async ({ driver }) => {
      await createProject(driver, "shop");
      const request = to("shop", "planning", { requestId: "r1" });
      const first = await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, request);
      await move(driver, "shop", "failed");
      const again = await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, request);
      expect(again).toEqual(first);
      expect(await show(driver, "shop")).toMatchObject({ status: "failed" });
      const other = to("shop", "development", { requestId: "r1" });
      await expectRefused(driver.as(ADMIN).mutation(api.projects.updateProjectStatus, other), "bad_request");
    });

    it("refuses to run anything where there is no host", async ({ driver }) => {
      await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "development"));
      expect((await expectRefused(call, "no_host")).hint).toContain("slipway up");
      expect(await show(driver, "shop")).toMatchObject({ status: "planning" });
    });

    it("says what is missing when nothing fits", async ({ driver }) => {
      await registerHost(driver, { cpus: 1, memoryBytes: 4 * 1024 ** 3 });
      await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "development"));
      const refused = await expectRefused(call, "no_capacity");
      expect(refused.message).toBe("shop fits on no host: host-1 has 1 CPUs, and one container wants 2.");
    });

    it("tells the worker of a pause and its end also where nothing ran: its addresses answer otherwise", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      const inbox = () => driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      await move(driver, "shop", "planning", "development", "failed", "planning");
      await obey(driver, host);
      for (const status of ["paused", "planning", "failed"]) {
        await move(driver, "shop", status);
        expect(await inbox()).toContainEqual(expect.objectContaining({ projectId }));
        await obey(driver, host);
        expect(await inbox()).toEqual([]);
      }
    });

    it("remembers where a paused project came from, and returns only there", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      await move(driver, "shop", "paused");
      expect(await show(driver, "shop")).toMatchObject({
        pausedFrom: "development",
        allowedNext: ["development", "failed", "deleting"],
      });
      expect(await environment(driver, "shop", "dev")).toMatchObject({ desired: "hibernated" });
      expect(await environment(driver, "shop", "deploy")).toMatchObject({ desired: "absent" });
      const astray = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "planning"));
      await expectRefused(astray, "illegal_transition");
      await move(driver, "shop", "development");
      expect(await show(driver, "shop")).toMatchObject({ pausedFrom: null, status: "development" });
      expect(await environment(driver, "shop", "dev")).toMatchObject({ desired: "running" });
    });

    it("keeps a deployed release serving while the next is developed", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development", "testing", "deployment");
      await obey(driver, host);
      expect(await environment(driver, "shop", "dev")).toMatchObject({ phase: "hibernated" });
      await move(driver, "shop", "development");
      expect(await environment(driver, "shop", "deploy")).toMatchObject({ desired: "running" });
    });
  });

  describe("guards", () => {
    it("lets nothing be tested before dev is healthy", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const test = () => driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "testing"));
      expect((await expectRefused(test(), "guard_failed")).message).toBe(
        "shop cannot go to testing until the dev environment is running and healthy: the worker has not reported it yet.",
      );
      await obey(driver, host);
      await expect(test()).resolves.toMatchObject({ changed: true });
    });

    it("lets nothing be deployed without a release whose tests passed", async ({ driver }) => {
      await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development", "testing");
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "deployment"));
      await expectRefused(call, "guard_failed");
    });

    it("lets an admin override with a reason, and records it", async ({ driver }) => {
      await registerHost(driver);
      await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const override = (more: object) =>
        driver
          .as(ADMIN)
          .mutation(api.projects.updateProjectStatus, to("shop", "testing", { override: true, ...more }));
      await expectRefused(override({}), "bad_request");
      await override({ reason: "the demo is now" });
      expect((await allEvents(driver, "shop")).filter((event) => event.override)).toMatchObject([
        {
          from: "development",
          to: "testing",
          reason: "the demo is now",
          actor: { role: "admin", subject: "ada" },
        },
      ]);
    });

    it("does not count a report of an earlier generation", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const environments = [observed("dev", 1, "running")];
      await driver.as(WORKER).mutation(api.worker.report, { hostId, epoch, projectId, environments });
      const call = driver.as(ADMIN).mutation(api.projects.updateProjectStatus, to("shop", "testing"));
      await expectRefused(call, "guard_failed");
    });
  });
}

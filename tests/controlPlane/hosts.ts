import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, obey, registerHost, type HostLease } from "./world.ts";

/** What people see of the machines. */
export function hostSuite(it: SuiteTest): void {
  const usage = {
    ...{ at: 1_700_000_000_000, cpu: 1.5, memoryBytes: 4e9, diskFreeBytes: 5e10, diskTotalBytes: 1e11 },
    ...{ loadAverage: 0.7, containers: 12, networks: 6, volumes: 4 },
  };
  const finding = (title: string) => ({ title, state: "ok" as const, detail: "fine", fix: null });
  const only = async (driver: Driver) => {
    const hosts = await driver.as(VIEWER).query(api.hosts.listHosts, {});
    expect(hosts).toHaveLength(1);
    return hosts[0]!;
  };
  const report = (driver: Driver, { hostId, epoch }: HostLease, told: object) =>
    driver.as(WORKER).mutation(api.worker.reportHost, { hostId, epoch, ...told });

  describe("hosts", () => {
    it("show what they have, what is promised of it, and how many projects live there", async ({
      driver,
    }) => {
      const lease = await registerHost(driver, { cpus: 8, memoryBytes: 16 * 1024 ** 3 });
      expect(await only(driver)).toMatchObject({
        name: "host-1",
        epoch: 1,
        reserved: { cpus: 0, memoryBytes: 0 },
        allowed: { cpus: 8 * 128, memoryBytes: 64 * 16 * 1024 ** 3 },
        projects: 0,
        checks: { at: null, findings: [] },
        drift: { mended: 0, lastAt: null, last: null },
        errors: [],
      });
      for (const name of ["shop", "blog"]) {
        await createProject(driver, name);
        await move(driver, name, "planning", "development");
      }
      expect(await only(driver)).toMatchObject({
        reserved: { cpus: 4, memoryBytes: 4 * 1024 ** 3 },
        projects: 2,
      });
      await move(driver, "shop", "failed");
      // It lives there still: its volumes do.
      expect(await only(driver)).toMatchObject({ reserved: { cpus: 2 }, projects: 2 });
      await move(driver, "shop", "deleting");
      await obey(driver, lease);
      expect(await only(driver)).toMatchObject({ projects: 1 });
    });

    it("show what their worker tells of them, and keep what it does not tell again", async ({ driver }) => {
      const lease = await registerHost(driver);
      await report(driver, lease, { checks: { at: 5, findings: [finding("Docker answers")] } });
      await report(driver, lease, { drift: { mended: 2, lastAt: 7, last: "a network was gone" } });
      const errors = Array.from({ length: 12 }, (_, at) => ({ at, message: `error ${at}` }));
      await report(driver, lease, { errors });
      const host = await only(driver);
      expect(host.checks).toEqual({ at: 5, findings: [finding("Docker answers")] });
      expect(host.drift).toEqual({ mended: 2, lastAt: 7, last: "a network was gone" });
      expect(host.errors.map(({ at }) => at)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    });

    it("keep no more than anybody reads", async ({ driver }) => {
      const lease = await registerHost(driver);
      const findings = Array.from({ length: 300 }, () => finding("x".repeat(5000)));
      await report(driver, lease, { checks: { at: 5, findings } });
      const { checks } = await only(driver);
      expect(checks.findings).toHaveLength(100);
      expect(checks.findings[0]!.title).toHaveLength(1000);
    });

    it("show their use and their lease apart from the list", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const viewer = driver.as(VIEWER);
      expect(await viewer.query(api.hosts.usage, { hostId })).toBeNull();
      await report(driver, { hostId, epoch }, { usage });
      await report(driver, { hostId, epoch }, { usage: { ...usage, cpu: 2 } });
      expect(await viewer.query(api.hosts.usage, { hostId })).toEqual({ ...usage, cpu: 2 });
      const lease = await viewer.query(api.hosts.lease, { hostId });
      expect(lease).toMatchObject({ state: "live", epoch });
      expect(lease!.expiresAt - lease!.heartbeatAt).toBe(30_000);
      await driver.as(WORKER).mutation(api.worker.unregister, { hostId, epoch });
      expect(await viewer.query(api.hosts.lease, { hostId })).toBeNull();
    });

    it("tell a token of one project nothing", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await report(driver, { hostId, epoch }, { usage });
      for (const claims of [agentOf(projectId, "read"), { ...VIEWER, project: projectId }]) {
        const caller = driver.as(claims);
        expect(await caller.query(api.hosts.listHosts, {})).toEqual([]);
        expect(await caller.query(api.hosts.usage, { hostId })).toBeNull();
        expect(await caller.query(api.hosts.lease, { hostId })).toBeNull();
      }
      for (const none of ["nosuch", projectId]) {
        expect(await driver.as(ADMIN).query(api.hosts.usage, { hostId: none })).toBeNull();
      }
    });

    it("believe a worker that was replaced nothing", async ({ driver }) => {
      const stale = await registerHost(driver);
      await registerHost(driver);
      await expectRefused(report(driver, stale, { usage }), "stale_epoch");
    });
  });
}

import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, environment, move, obey, observed, registerHost, show } from "./world.ts";

/** What a worker is told and may say. */
export function workerSuite(it: SuiteTest): void {
  const inboxOf = async (driver: Driver, hostId: string) =>
    (await driver.as(WORKER).query(api.worker.inbox, { hostId })).map((row) => row.kind);

  describe("the inbox", () => {
    it("holds what needs work, oldest first, until it is settled", async ({ driver }) => {
      const host = await registerHost(driver);
      for (const name of ["one", "two"]) {
        await createProject(driver, name);
        await move(driver, name, "planning", "development");
      }
      await move(driver, "one", "testing");
      const rows = await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      const one = await show(driver, "one");
      const two = await show(driver, "two");
      expect(rows).toEqual([
        { projectId: one.projectId, kind: "dev", generation: 2 },
        { projectId: two.projectId, kind: "dev", generation: 2 },
        { projectId: one.projectId, kind: "test", generation: 3 },
      ]);
      await obey(driver, host);
      expect(await inboxOf(driver, host.hostId)).toEqual([]);
    });

    it("keeps what was reported of an earlier generation or is still under way", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const report = (generation: number, phase: "running" | "starting" | "failed") =>
        driver.as(WORKER).mutation(api.worker.report, {
          hostId,
          epoch,
          projectId,
          environments: [observed("dev", generation, phase)],
        });
      await report(1, "running");
      await report(2, "starting");
      expect(await inboxOf(driver, hostId)).toEqual(["dev"]);
      await report(2, "failed");
      expect(await inboxOf(driver, hostId)).toEqual([]);
      expect(await environment(driver, "shop", "dev")).toMatchObject({
        phase: "failed",
        message: "the image is missing",
      });
    });

    it("keeps a project that is being deleted until the deletion is confirmed", async ({ driver }) => {
      const host = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      await move(driver, "shop", "deleting");
      const { hostId, epoch } = host;
      const spec = await driver.as(WORKER).query(api.worker.project, { hostId, projectId });
      expect(spec).toMatchObject({ status: "deleting", environments: [{ keepVolumes: false }, {}, {}] });
      const environments = spec!.environments.map((row) => observed(row.kind, row.generation, "absent"));
      await driver.as(WORKER).mutation(api.worker.report, { hostId, epoch, projectId, environments });
      expect(await inboxOf(driver, hostId)).toHaveLength(3);
      await driver.as(WORKER).mutation(api.worker.confirmDeleted, { hostId, epoch, projectId });
      expect(await inboxOf(driver, hostId)).toEqual([]);
      await driver.as(WORKER).mutation(api.worker.confirmDeleted, { hostId, epoch, projectId });
    });
  });

  describe("the lease", () => {
    it("shuts out a worker that another one replaced", async ({ driver }) => {
      const old = await registerHost(driver);
      const next = await registerHost(driver);
      expect(next).toMatchObject({ hostId: old.hostId, epoch: old.epoch + 1 });
      const { hostId, epoch } = old;
      const { projectId } = await createProject(driver, "shop");
      const worker = driver.as(WORKER);
      await expectRefused(worker.mutation(api.worker.heartbeat, { hostId, epoch }), "stale_epoch");
      const report = { hostId, epoch, projectId, environments: [] };
      await expectRefused(worker.mutation(api.worker.report, report), "stale_epoch");
      await expectRefused(
        worker.mutation(api.worker.confirmDeleted, { hostId, epoch, projectId }),
        "stale_epoch",
      );
      await expect(worker.mutation(api.worker.heartbeat, { hostId, epoch: next.epoch })).resolves.toBeNull();
    });

    it("is given back by a clean stop: nothing new is put on that host", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      await driver.as(WORKER).mutation(api.worker.unregister, { hostId, epoch });
      await createProject(driver, "shop");
      await move(driver, "shop", "planning");
      await expectRefused(move(driver, "shop", "development"), "no_host");
      await expectRefused(driver.as(WORKER).mutation(api.worker.heartbeat, { hostId, epoch }), "stale_epoch");
    });
  });

  describe("hosts", () => {
    it("are chosen by what is least reserved", async ({ driver }) => {
      await registerHost(driver, { name: "small", memoryBytes: 8 * 1024 ** 3 });
      await registerHost(driver, { name: "large", memoryBytes: 64 * 1024 ** 3 });
      const hosts = [];
      for (const name of ["one", "two", "three"]) {
        await createProject(driver, name);
        await move(driver, name, "planning", "development");
        hosts.push((await show(driver, name)).host);
      }
      expect(hosts).toEqual(["large", "small", "large"]);
    });

    it("tell a worker nothing of projects on another host", async ({ driver }) => {
      await registerHost(driver, { name: "one" });
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const { hostId, epoch } = await registerHost(driver, { name: "two" });
      const worker = driver.as(WORKER);
      expect(await worker.query(api.worker.project, { hostId, projectId })).toBeNull();
      const paginationOpts = { numItems: 10, cursor: null };
      expect(await worker.query(api.worker.projects, { hostId, paginationOpts })).toMatchObject({ page: [] });
      const report = { hostId, epoch, projectId, environments: [] };
      await expectRefused(worker.mutation(api.worker.report, report), "not_found");
    });

    it("refuse a worker whose token is another host's", async ({ driver }) => {
      const { hostId } = await registerHost(driver, { name: "one" });
      const other = driver.as({ ...WORKER, host: "two" });
      await expectRefused(other.query(api.worker.inbox, { hostId }), "not_found");
    });
  });

  describe("subnets", () => {
    it("are free again once the worker has seen the networks gone, and are used again", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      await createProject(driver, "one");
      await move(driver, "one", "planning", "development");
      await obey(driver, host);
      await move(driver, "one", "failed");
      expect(await environment(driver, "one", "dev")).toMatchObject({ subnet: "10.128.0.0/26" });
      await obey(driver, host);
      expect(await environment(driver, "one", "dev")).toMatchObject({ subnet: null, egressSubnet: null });
      await createProject(driver, "two");
      await move(driver, "two", "planning", "development");
      const { subnet, egressSubnet } = await environment(driver, "two", "dev");
      expect([subnet, egressSubnet].sort()).toEqual(["10.128.0.0/26", "10.128.0.64/26"]);
    });

    it("are replaced and never given out again when Docker says that they are taken", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      const call = {
        hostId,
        epoch,
        projectId,
        kind: "dev",
        which: "internal",
        subnet: "10.128.0.0/26",
        reason: "a VPN has it",
      } as const;
      const replaced = await driver.as(WORKER).mutation(api.worker.reallocateSubnet, call);
      expect(replaced).toEqual({ subnet: "10.128.0.128/26" });
      // Sent again because the first answer was lost: nobody has tried the new one yet.
      expect(await driver.as(WORKER).mutation(api.worker.reallocateSubnet, call)).toEqual(replaced);
      expect(await environment(driver, "shop", "dev")).toMatchObject(replaced);
      const types = (await allEvents(driver, "shop")).map((event) => event.type);
      expect(types.slice(-2)).toEqual(["subnet.setAside", "subnet.allocated"]);
      await obey(driver, { hostId, epoch });
      await move(driver, "shop", "failed");
      await obey(driver, { hostId, epoch });
      await createProject(driver, "other");
      await move(driver, "other", "planning", "development", "testing");
      const { environments } = await show(driver, "other");
      const given = environments.flatMap((row) => [row.subnet, row.egressSubnet]).filter(Boolean);
      expect(new Set(given).size).toBe(4);
      expect(given).not.toContain("10.128.0.0/26");
    });
  });
}

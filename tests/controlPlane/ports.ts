import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { WORKER } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, environment, move, obey, registerHost } from "./world.ts";

/** Host ports for services that want one. */
export function portSuite(it: SuiteTest): void {
  const published = {
    services: { web: { stack: "node", route: "/" }, api: { stack: "node", publish: true } },
  };

  describe("host ports", () => {
    it("are given to the services that ask, under a variable's name", async ({ driver }) => {
      const { hostId } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop", published);
      await move(driver, "shop", "planning", "development", "testing");
      expect(await environment(driver, "shop", "dev")).toMatchObject({ ports: { DEV_API_PORT: 30_000 } });
      expect(await environment(driver, "shop", "test")).toMatchObject({ ports: { TEST_API_PORT: 30_001 } });
      const spec = await driver.as(WORKER).query(api.worker.project, { hostId, projectId });
      expect(spec!.environments.map((row) => row.ports)).toEqual([{ api: 30_000 }, { api: 30_001 }, {}]);
    });

    it("are each host's own", async ({ driver }) => {
      for (const name of ["one", "two"]) {
        await registerHost(driver, { name });
        await createProject(driver, name, published);
        await move(driver, name, "planning", "development");
        expect(await environment(driver, name, "dev")).toMatchObject({ ports: { DEV_API_PORT: 30_000 } });
      }
    });

    it("are free again when the environment is gone, and set aside when they cannot be bound", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop", published);
      await move(driver, "shop", "planning", "development");
      const call = {
        hostId: host.hostId,
        epoch: host.epoch,
        projectId,
        kind: "dev",
        port: 30_000,
        reason: "in use",
      } as const;
      const replaced = await driver
        .as(WORKER)
        .mutation(api.worker.reallocatePort, { ...call, service: "api" });
      expect(replaced).toEqual({ port: 30_001 });
      // Sent again because the first answer was lost: nobody has tried the new port yet.
      const again = await driver.as(WORKER).mutation(api.worker.reallocatePort, { ...call, service: "api" });
      expect(again).toEqual(replaced);
      const other = driver.as(WORKER).mutation(api.worker.reallocatePort, { ...call, service: "web" });
      await expectRefused(other, "not_found");
      await obey(driver, host);
      await move(driver, "shop", "failed");
      await obey(driver, host);
      await createProject(driver, "next", published);
      await move(driver, "next", "planning", "development");
      expect(await environment(driver, "next", "dev")).toMatchObject({ ports: { DEV_API_PORT: 30_001 } });
    });
  });
}

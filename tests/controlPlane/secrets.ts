import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { readSeal, sealSecret } from "../../core/sealing.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, move, obey, registerHost, show } from "./world.ts";

/** The public key that backends under test are given as SLIPWAY_SECRETS_KEY; nobody has its private half. */
export const TEST_SEALING_KEY = {
  kty: "EC",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  kid: "test-key",
} as const;

/** Secrets of a project: set, listed by name, seen by the worker alone. */
export function secretSuite(it: SuiteTest): void {
  const VALUE = "correct horse battery staple";

  async function setSecret(driver: Driver, project: string, name: string): Promise<string> {
    const admin = driver.as(ADMIN);
    const { namespace } = await show(driver, project);
    const key = await admin.query(api.secrets.sealingKey, {});
    const sealed = await sealSecret(key, { namespace, name }, VALUE);
    await admin.mutation(api.secrets.setSecret, { project, name, sealed });
    return sealed;
  }

  describe("secrets", () => {
    it("reach the worker sealed, and bring what runs to a new generation", async ({ driver }) => {
      const host = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      const sealed = await setSecret(driver, "shop", "API_KEY");
      const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      expect(inbox).toMatchObject([{ kind: "dev", generation: 3 }]);
      const spec = await driver.as(WORKER).query(api.worker.project, { hostId: host.hostId, projectId });
      expect(spec!.secrets).toEqual({ API_KEY: sealed });
      expect(readSeal(sealed)).toMatchObject({ name: "API_KEY" });
    });

    it("come back in no answer, list or event, sealed or not", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop");
      const sealed = await setSecret(driver, "shop", "API_KEY");
      const paginationOpts = { numItems: 10, cursor: null };
      for (const claims of [ADMIN, VIEWER, agentOf(projectId, "read")]) {
        const caller = driver.as(claims);
        const answers = JSON.stringify([
          await caller.query(api.secrets.listSecrets, { project: "shop" }),
          await caller.query(api.projects.getProject, { project: "shop" }),
          await caller.query(api.projects.listProjects, { paginationOpts }),
          await caller.query(api.events.listEvents, { paginationOpts }),
        ]);
        expect(answers).toContain("API_KEY");
        expect(answers).not.toContain(sealed);
        expect(answers).not.toContain(VALUE);
      }
    });

    it("are refused unsealed, without repeating them, or sealed for another project or name", async ({
      driver,
    }) => {
      await createProject(driver, "shop");
      await createProject(driver, "other");
      const admin = driver.as(ADMIN);
      const plain = admin.mutation(api.secrets.setSecret, {
        project: "shop",
        name: "API_KEY",
        sealed: VALUE,
      });
      expect(JSON.stringify(await expectRefused(plain, "bad_request"))).not.toContain(VALUE);
      const sealed = await setSecret(driver, "other", "API_KEY");
      for (const [project, name] of [
        ["shop", "API_KEY"],
        ["other", "OTHER"],
        ["other", "PORT"],
      ] as const) {
        await expectRefused(admin.mutation(api.secrets.setSecret, { project, name, sealed }), "bad_request");
      }
    });

    it("can be removed, once", async ({ driver }) => {
      await createProject(driver, "shop");
      await setSecret(driver, "shop", "API_KEY");
      const remove = () =>
        driver.as(ADMIN).mutation(api.secrets.removeSecret, { project: "shop", name: "API_KEY" });
      await remove();
      expect(await driver.as(ADMIN).query(api.secrets.listSecrets, { project: "shop" })).toEqual([]);
      await expectRefused(remove(), "not_found");
      expect((await allEvents(driver, "shop")).map((event) => event.type).slice(-2)).toEqual([
        "secret.set",
        "secret.removed",
      ]);
    });
  });
}

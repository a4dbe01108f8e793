import type { FunctionArgs } from "convex/server";
import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { certificateSecret, sealSecret } from "../../core/sealing.ts";
import { ADMIN, VIEWER, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import { TEST_SEALING_KEY } from "./secrets.ts";
import type { SuiteTest } from "./suite.ts";
import { allEvents, createProject, environment, move, obey, registerHost, show } from "./world.ts";

const CHAIN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** Manifests that change, and the domains and certificates that hang on them. */
export function manifestSuite(it: SuiteTest): void {
  const update = (driver: Driver, project: string, manifest: unknown, expectedRevision?: number) =>
    driver.as(ADMIN).mutation(api.projects.updateManifest, { project, manifest, expectedRevision });

  describe("a changed manifest", () => {
    it("takes what it concerns to a new generation, and says in an event what changed", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop", { stack: "node" });
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      const before = await show(driver, "shop");
      const changed = await update(driver, "shop", { stack: "node", env: { KEY: "confidential" } });
      expect(changed).toEqual({ revision: 2, changed: ["env.KEY"], environments: ["dev"] });
      const dev = await environment(driver, "shop", "dev");
      expect(dev.generation).toBeGreaterThan(
        before.environments.find(({ kind }) => kind === "dev")!.generation,
      );
      expect(dev.observedGeneration).toBeLessThan(dev.generation);
      const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      expect(inbox).toMatchObject([{ kind: "dev", generation: dev.generation }]);
      const events = JSON.stringify(await allEvents(driver, "shop"));
      expect(events).toContain("env.KEY");
      expect(events).not.toContain("confidential");
      expect((await show(driver, "shop")).manifestRevision).toBe(2);
    });

    it("that says the same again, or concerns nothing that is there, disturbs nothing", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop", { stack: "node" });
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      expect(await update(driver, "shop", { stack: "node" })).toEqual({
        revision: 1,
        changed: [],
        environments: [],
      });
      const changed = await update(driver, "shop", { stack: "node", environments: { test: { cpus: 0.5 } } });
      expect(changed.environments).toEqual([]);
      expect(await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId })).toEqual([]);
    });

    it("tells the worker of domains also where no environment changes: another project may have them", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      const domains = ["shop.example.com"];
      await createProject(driver, "shop", { stack: "node", domains });
      await move(driver, "shop", "planning", "development", "failed");
      await obey(driver, host);
      expect(await update(driver, "shop", { stack: "node" })).toMatchObject({ environments: [] });
      const inbox = () => driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      const { environments } = await show(driver, "shop");
      expect(await inbox()).toMatchObject([{ kind: "deploy", generation: environments[2]!.generation }]);
      await obey(driver, host);
      expect(await inbox()).toEqual([]);
      expect(environments.map(({ subnet }) => subnet)).toEqual([null, null, null]);
      await createProject(driver, "other", { stack: "node", domains });
    });

    it("is refused where somebody else changed it in between", async ({ driver }) => {
      await createProject(driver, "shop", { stack: "node" });
      await update(driver, "shop", { stack: "node", egress: "none" }, 1);
      await expectRefused(update(driver, "shop", { stack: "node" }, 1), "status_changed");
      expect((await show(driver, "shop")).manifest).toMatchObject({ egress: "none" });
    });

    it("is refused whole where a part of it is wrong", async ({ driver }) => {
      await createProject(driver, "shop", { stack: "node" });
      for (const wrong of [
        { stack: "node", nosuch: 1 },
        { stack: "node", domains: ["192.0.2.1"] },
        { stack: "node", name: "other" },
        "text",
      ]) {
        await expectRefused(update(driver, "shop", wrong), "bad_manifest");
      }
      expect((await show(driver, "shop")).manifestRevision).toBe(1);
    });

    it("changes neither group nor domains by the hand of one project's admin", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop", {
        stack: "node",
        group: "backend",
        domains: ["shop.example.com"],
      });
      const own = driver.as({ ...ADMIN, project: projectId });
      const updateOwn = (manifest: unknown) =>
        own.mutation(api.projects.updateManifest, { project: "shop", manifest });
      const kept = { stack: "node", group: "backend", domains: ["shop.example.com"] };
      for (const [wrong, path] of [
        [{ ...kept, group: "payments" }, "group"],
        [{ ...kept, group: undefined }, "group"],
        [{ ...kept, domains: ["shop.example.com", "blog.example.com"] }, "domains.1"],
      ] as const) {
        expect(await expectRefused(updateOwn(wrong), "forbidden")).toMatchObject({ path });
      }
      expect(await show(driver, "shop")).toMatchObject({ group: "backend", manifestRevision: 1 });
      expect(await updateOwn({ ...kept, env: { LOG_LEVEL: "debug" } })).toMatchObject({ revision: 2 });
      // To give something up takes nothing from anybody.
      expect(await updateOwn({ ...kept, domains: [] })).toMatchObject({ revision: 3 });
    });

    it("gets the ports and subnets that it newly asks for, and room on its host", async ({ driver }) => {
      const host = await registerHost(driver);
      const services = (publish: boolean) => ({ services: { web: { stack: "node", publish } } });
      await createProject(driver, "shop", { ...services(false), egress: "none" });
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      expect(await environment(driver, "shop", "dev")).toMatchObject({ ports: {}, egressSubnet: null });
      await update(driver, "shop", { ...services(true), egress: "open" });
      const dev = await environment(driver, "shop", "dev");
      expect(dev.ports.DEV_WEB_PORT).toBeGreaterThan(0);
      expect(dev.egressSubnet).not.toBeNull();
      await expectRefused(
        update(driver, "shop", { ...services(true), environments: { dev: { memory: "1000g" } } }),
        "no_capacity",
      );
    });
  });

  describe("what a manifest no longer asks for", () => {
    const asking = (publish: boolean) => ({
      ...{ services: { web: { stack: "node", publish } }, egress: publish ? "open" : "none" },
    });

    it("is given back once the worker has seen the environment run without it", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop", asking(true));
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      const before = await environment(driver, "shop", "dev");
      await update(driver, "shop", asking(false));
      const { ports, egressSubnet } = await environment(driver, "shop", "dev");
      expect({ ports, egressSubnet }).toEqual({ ports: before.ports, egressSubnet: before.egressSubnet });
      await obey(driver, host);
      expect(await environment(driver, "shop", "dev")).toMatchObject({ ports: {}, egressSubnet: null });

      await createProject(driver, "blog", asking(true));
      await move(driver, "blog", "planning", "development");
      const blog = await environment(driver, "blog", "dev");
      expect(blog.ports).toEqual(before.ports);
      expect([blog.subnet, blog.egressSubnet]).toContain(before.egressSubnet);
    });

    it("is given anew where it is asked for again", async ({ driver }) => {
      const host = await registerHost(driver);
      await createProject(driver, "shop", asking(true));
      await move(driver, "shop", "planning", "development");
      await obey(driver, host);
      for (const publish of [false, true]) {
        await update(driver, "shop", asking(publish));
        await obey(driver, host);
      }
      const dev = await environment(driver, "shop", "dev");
      expect(dev.ports.DEV_WEB_PORT).toBeGreaterThan(0);
      expect(dev.egressSubnet).not.toBeNull();
    });
  });

  describe("a domain", () => {
    it("has one project; the second is refused with the owner unnamed", async ({ driver }) => {
      await createProject(driver, "shop", { stack: "node", domains: ["Shop.Example.com"] });
      await createProject(driver, "blog", { stack: "node" });
      const refusals = [
        await expectRefused(createProject(driver, "third", { domains: ["shop.example.com"] }), "name_taken"),
        await expectRefused(
          update(driver, "blog", { stack: "node", domains: ["shop.example.com"] }),
          "name_taken",
        ),
      ];
      const { projectId, namespace } = await show(driver, "shop");
      for (const refusal of refusals) {
        const told = JSON.stringify(refusal).replaceAll("shop.example.com", "");
        for (const name of ["shop", projectId, namespace]) expect(told).not.toContain(name);
      }
    });

    it("is free again once its project no longer names it, or is gone", async ({ driver }) => {
      await createProject(driver, "shop", { stack: "node", domains: ["a.example.com", "b.example.com"] });
      await update(driver, "shop", { stack: "node", domains: ["b.example.com"] });
      await createProject(driver, "blog", { stack: "node", domains: ["a.example.com"] });
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      await update(driver, "blog", { stack: "node", domains: ["a.example.com", "b.example.com"] });
      expect((await show(driver, "blog")).manifest).toMatchObject({
        domains: ["a.example.com", "b.example.com"],
      });
    });
  });

  describe("a certificate", () => {
    async function set(driver: Driver, domain: string, namespace: string, name = certificateSecret(domain)) {
      const sealed = await sealSecret(TEST_SEALING_KEY, { namespace, name }, "a private key");
      await driver.as(ADMIN).mutation(api.certificates.setCertificate, { domain, chain: CHAIN, sealed });
      return sealed;
    }

    it("of a project's domain reaches the worker with its key sealed, and nobody else", async ({
      driver,
    }) => {
      const host = await registerHost(driver);
      const { projectId, namespace } = await createProject(driver, "shop", {
        stack: "node",
        domains: ["shop.example.com"],
      });
      await move(driver, "shop", "planning", "development");
      const sealed = await set(driver, "shop.example.com", namespace);
      const spec = await driver.as(WORKER).query(api.worker.project, { hostId: host.hostId, projectId });
      expect(spec!.certificates).toEqual({ "shop.example.com": { chain: CHAIN, key: sealed } });
      for (const claims of [ADMIN, VIEWER]) {
        const listed = await driver.as(claims).query(api.certificates.listCertificates, { project: "shop" });
        expect(listed).toMatchObject([{ domain: "shop.example.com", chain: CHAIN }]);
        expect(JSON.stringify(listed)).not.toContain(sealed);
      }
      expect(JSON.stringify(await allEvents(driver))).not.toContain(sealed);
    });

    it("goes with its domain", async ({ driver }) => {
      const { namespace } = await createProject(driver, "shop", {
        stack: "node",
        domains: ["shop.example.com"],
      });
      await set(driver, "shop.example.com", namespace);
      await update(driver, "shop", { stack: "node" });
      await update(driver, "shop", { stack: "node", domains: ["shop.example.com"] });
      expect(await driver.as(ADMIN).query(api.certificates.listCertificates, { project: "shop" })).toEqual(
        [],
      );
      const remove = driver
        .as(ADMIN)
        .mutation(api.certificates.removeCertificate, { domain: "shop.example.com" });
      await expectRefused(remove, "not_found");
    });

    it("is refused for a domain of nobody's, in clear, or sealed for another name", async ({ driver }) => {
      const { namespace } = await createProject(driver, "shop", {
        stack: "node",
        domains: ["shop.example.com"],
      });
      await expectRefused(set(driver, "other.example.com", namespace), "not_found");
      await expectRefused(set(driver, "shop.example.com", namespace, "API_KEY"), "bad_request");
      const plain = driver.as(ADMIN).mutation(api.certificates.setCertificate, {
        domain: "shop.example.com",
        chain: CHAIN,
        sealed: "-----BEGIN PRIVATE KEY-----",
      });
      await expectRefused(plain, "bad_request");
    });

    it("has an event for each turn that it takes, however often a worker tells of it", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop", { domains: ["shop.example.com"] });
      const blog = await createProject(driver, "blog", { domains: ["blog.example.com"] });
      for (const slug of ["shop", "blog"]) await move(driver, slug, "planning", "development");
      type Told = FunctionArgs<typeof api.worker.reportCertificates>["certificates"][number];
      const none = { state: "none", message: "" } as const;
      const tell = async (told: Partial<Told>) => {
        const certificates = [{ domain: "shop.example.com", given: none, acme: none, ...told }];
        for (let times = 0; times < 2; times += 1) {
          await driver
            .as(WORKER)
            .mutation(api.worker.reportCertificates, { hostId, epoch, projectId, certificates });
        }
      };
      const failed = (kind: string) => ({
        acme: { state: "failed", kind, message: `${kind} failed` } as const,
      });
      await tell({});
      await tell(failed("dns"));
      await tell({ acme: { ...failed("dns").acme, message: "the same in other words" } });
      await tell(failed("connection"));
      const issued = { state: "issued", message: "it is there" } as const;
      await tell({ acme: issued });
      await tell({ given: { state: "good", message: "it was set" }, acme: issued });
      await tell({ given: { state: "ending", message: "it ends" } });
      await tell({ given: { state: "ended", message: "it has ended" } });
      await tell({ domain: "blog.example.com", ...failed("somebody else's") });
      await tell({ domain: "nosuch.example.com", ...failed("nobody's") });
      const events = (await allEvents(driver)).filter(({ type }) => type.startsWith("certificate."));
      expect(events.map(({ type, project, message }) => `${project} ${type}: ${message}`)).toEqual([
        "shop certificate.failed: dns failed",
        "shop certificate.failed: connection failed",
        "shop certificate.issued: it is there",
        "shop certificate.ending: it ends",
        "shop certificate.ended: it has ended",
      ]);
      const elsewhere = driver.as(WORKER).mutation(api.worker.reportCertificates, {
        ...{ hostId, epoch: epoch + 1, projectId: blog.projectId },
        certificates: [],
      });
      await expectRefused(elsewhere, "stale_epoch");
    });
  });
}

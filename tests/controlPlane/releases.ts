import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { KEPT_RELEASES, MAX_TEST_OUTPUT_BYTES } from "../../core/releases.ts";
import { ADMIN, agentOf, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import {
  allEvents,
  createProject,
  environment,
  move,
  obey,
  registerHost,
  show,
  SNAPSHOT,
  testedRelease,
  testResult,
  wantedRelease,
  type HostLease,
} from "./world.ts";

/** What a release is made by, what is told of it, and what it guards. */
export function releaseSuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 10, cursor: null };

  async function begin(driver: Driver): Promise<HostLease> {
    const host = await registerHost(driver);
    await createProject(driver, "shop");
    await move(driver, "shop", "planning", "development");
    return host;
  }

  const list = async (driver: Driver) =>
    (await driver.as(ADMIN).query(api.releases.list, { project: "shop", paginationOpts })).page;
  const get = async (driver: Driver, number?: number) =>
    await driver.as(ADMIN).query(api.releases.get, { project: "shop", number });
  const states = async (driver: Driver) => (await list(driver)).map(({ number, state }) => [number, state]);

  /** As its worker: what `wantedRelease` says, with the lease. */
  async function reporting(driver: Driver, host: HostLease) {
    const wanted = await wantedRelease(driver, host, "shop");
    const { hostId, epoch } = host;
    const call = { hostId, epoch, projectId: wanted!.projectId, releaseId: wanted!.releaseId };
    const worker = driver.as(WORKER);
    return {
      snapshot: (snapshot = SNAPSHOT, more: object = {}) =>
        worker.mutation(api.worker.reportSnapshot, { ...call, snapshot, files: 2, bytes: 30, ...more }),
      result: (result: Parameters<typeof testResult>[0] = {}) =>
        worker.mutation(api.worker.reportTest, { ...call, result: testResult(result) }),
    };
  }

  const deploy = (driver: Driver, more: object = {}) =>
    driver.as(ADMIN).mutation(api.projects.updateProjectStatus, {
      project: "shop",
      to: "deployment",
      ...more,
    });

  describe("a release", () => {
    it("is made by the move to testing, and its worker is to take its snapshot", async ({ driver }) => {
      const host = await begin(driver);
      await move(driver, "shop", "testing");
      expect(await list(driver)).toMatchObject([
        {
          number: 1,
          state: "building",
          snapshot: null,
          result: null,
          message: "its snapshot is being taken",
        },
      ]);
      expect(await wantedRelease(driver, host, "shop")).toMatchObject({
        number: 1,
        snapshot: null,
        result: null,
        manifest: { name: "shop", stack: "node" },
      });
      expect(await environment(driver, "shop", "test")).toMatchObject({ release: 1 });
      expect((await allEvents(driver, "shop")).filter(({ type }) => type === "release.made")).toMatchObject([
        { actor: { subject: "ada" }, to: "building", environment: "test" },
      ]);
    });

    it("gets its snapshot and its result from its worker, each once", async ({ driver }) => {
      const host = await begin(driver);
      await move(driver, "shop", "testing");
      const report = await reporting(driver, host);
      await expectRefused(report.result(), "status_changed");
      await report.snapshot();
      await report.snapshot();
      await expectRefused(report.snapshot("6".repeat(64)), "status_changed");
      expect(await get(driver)).toMatchObject({ state: "testing", snapshot: SNAPSHOT, files: 2, bytes: 30 });
      await report.result();
      await report.result({ exitCode: 1, output: "another story" });
      expect(await get(driver, 1)).toMatchObject({
        state: "passed",
        message: "tests passed in 3.2 s",
        output: "1 test passed",
        result: { exitCode: 0, timedOut: false, services: [{ service: "app", exitCode: 0 }] },
        manifest: { name: "shop" },
      });
      expect(await wantedRelease(driver, host, "shop")).toMatchObject({ result: { exitCode: 0 } });
      const types = (await allEvents(driver, "shop")).map(({ type }) => type);
      expect(types.filter((type) => type.startsWith("release."))).toEqual([
        "release.made",
        "release.snapshot",
        "release.tested",
      ]);
    });

    it("keeps the last of what its tests wrote, and says how they failed", async ({ driver }) => {
      const host = await begin(driver);
      const output = `${"ä".repeat(MAX_TEST_OUTPUT_BYTES)}\nthe till does not open`;
      await testedRelease(driver, host, "shop", { exitCode: 3, output });
      const release = await get(driver);
      expect(new TextEncoder().encode(release!.output).length).toBeLessThanOrEqual(MAX_TEST_OUTPUT_BYTES);
      expect(release).toMatchObject({
        state: "failed",
        output: expect.stringMatching(/^ä.*does not open$/s),
      });
      expect(release!.message).toMatch(/^tests failed: app ended with 3\. Its last lines: .*does not open$/);
      const stopped = { timedOut: true, exitCode: 143, output: "", durationMs: 120_500 };
      await move(driver, "shop", "development");
      await testedRelease(driver, host, "shop", stopped);
      expect(await get(driver)).toMatchObject({
        state: "failed",
        message: "tests were stopped at their time limit, after 2 min 1 s.",
      });
    });

    it("takes no report that cannot be true, nor one about another project's", async ({ driver }) => {
      const host = await begin(driver);
      await createProject(driver, "other");
      await move(driver, "other", "planning", "development", "testing");
      await move(driver, "shop", "testing");
      const report = await reporting(driver, host);
      await expectRefused(report.snapshot("not a hash"), "bad_request");
      await expectRefused(report.snapshot(SNAPSHOT, { files: -1 }), "bad_request");
      await expectRefused(report.snapshot(SNAPSHOT, { bytes: 1.5 }), "bad_request");
      const others = (await wantedRelease(driver, host, "other"))!;
      await expectRefused(report.snapshot(SNAPSHOT, { releaseId: others.releaseId }), "not_found");
      await expectRefused(report.snapshot(SNAPSHOT, { releaseId: "nosuch" }), "not_found");
      await expectRefused(report.snapshot(SNAPSHOT, { epoch: host.epoch + 1 }), "stale_epoch");
      await report.snapshot();
      await expectRefused(report.result({ exitCode: 256 }), "bad_request");
      await expectRefused(report.result({ durationMs: Infinity }), "bad_request");
      const service = { service: "x".repeat(100), replica: 1, exitCode: 0, durationMs: 1 };
      await expectRefused(report.result({ services: [service] }), "bad_request");
      await expectRefused(
        report.result({ services: Array.from({ length: 300 }, () => service) }),
        "bad_request",
      );
      expect(await get(driver)).toMatchObject({ state: "testing" });
    });

    it("is given up when its project leaves testing first, and the next move to testing makes the next", async ({
      driver,
    }) => {
      const host = await begin(driver);
      await move(driver, "shop", "testing");
      const report = await reporting(driver, host);
      await move(driver, "shop", "development");
      await report.snapshot();
      await report.result();
      expect(await get(driver)).toMatchObject({
        state: "failed",
        snapshot: null,
        result: null,
        message: "abandoned: the project went to development before its tests had ended",
      });
      expect(await environment(driver, "shop", "test")).toMatchObject({ release: null });
      await move(driver, "shop", "testing", "paused", "testing");
      expect(await states(driver)).toEqual([
        [3, "building"],
        [2, "failed"],
        [1, "failed"],
      ]);
    });

    it("keeps the manifest as it was, for its tests and for its deployment", async ({ driver }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop");
      const before = (await get(driver))!.manifest as object;
      const manifest = { name: "shop", stack: "node", env: { COLOUR: "red" } };
      await driver.as(ADMIN).mutation(api.projects.updateManifest, { project: "shop", manifest });
      expect((await show(driver, "shop")).manifest).toMatchObject({ env: { COLOUR: "red" } });
      expect((await wantedRelease(driver, host, "shop"))!.manifest).toEqual(before);
      await deploy(driver);
      expect((await wantedRelease(driver, host, "shop", "deploy"))!.manifest).toEqual(before);
    });
  });

  describe("deployment", () => {
    it("runs the newest release, once its tests have passed", async ({ driver }) => {
      const host = await begin(driver);
      await expectRefused(deploy(driver), "illegal_transition");
      await move(driver, "shop", "testing");
      const report = await reporting(driver, host);
      const refusal = async () => (await expectRefused(deploy(driver), "guard_failed")).message;
      const until = "shop cannot go to deployment until the tests of its newest release have passed";
      expect(await refusal()).toBe(`${until}: release 1: its snapshot is being taken.`);
      await report.snapshot();
      expect(await refusal()).toBe(`${until}: release 1: its tests run.`);
      await report.result();
      await deploy(driver);
      expect(await environment(driver, "shop", "deploy")).toMatchObject({ release: 1, desired: "running" });
      expect(await wantedRelease(driver, host, "shop", "deploy")).toMatchObject({
        number: 1,
        snapshot: SNAPSHOT,
      });
      expect(await states(driver)).toEqual([[1, "passed"]]);
    });

    it("is refused by a newer release that failed, whatever passed before", async ({ driver }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop");
      await move(driver, "shop", "development");
      await testedRelease(driver, host, "shop", { exitCode: 1, output: "no" });
      expect((await expectRefused(deploy(driver), "guard_failed")).message).toContain("Its last lines: no");
    });

    it("by an admin's override runs a release that is never tested", async ({ driver }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop", { exitCode: 1 });
      await deploy(driver, { override: true, reason: "the demo is now" });
      expect(await states(driver)).toEqual([
        [2, "untested"],
        [1, "failed"],
      ]);
      const wanted = (await wantedRelease(driver, host, "shop", "deploy"))!;
      expect(wanted).toMatchObject({ number: 2, snapshot: null });
      const { hostId, epoch } = host;
      const { projectId, releaseId } = wanted;
      const call = { hostId, epoch, projectId, releaseId };
      await driver
        .as(WORKER)
        .mutation(api.worker.reportSnapshot, { ...call, snapshot: SNAPSHOT, files: 0, bytes: 0 });
      await driver.as(WORKER).mutation(api.worker.reportTest, { ...call, result: testResult() });
      expect(await get(driver)).toMatchObject({ state: "untested", snapshot: SNAPSHOT, result: null });
    });

    it("goes on with its release after a pause, and while the next is developed and tested", async ({
      driver,
    }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop");
      await move(driver, "shop", "deployment", "paused", "deployment", "development", "testing");
      expect(await environment(driver, "shop", "deploy")).toMatchObject({ release: 1, desired: "running" });
      const before = await environment(driver, "shop", "deploy");
      await obey(driver, host);
      const report = await reporting(driver, host);
      await report.snapshot();
      await report.result();
      await deploy(driver);
      const after = await environment(driver, "shop", "deploy");
      expect(after).toMatchObject({ release: 2, desired: "running" });
      expect(after.generation).toBeGreaterThan(before.generation);
      const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId });
      expect(inbox.map(({ kind }) => kind)).toContain("deploy");
    });
  });

  describe("what is kept", () => {
    it("are the newest releases and that which runs, and the snapshots of a few", async ({ driver }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop", {}, "0".repeat(64));
      await move(driver, "shop", "deployment");
      for (let count = 0; count < KEPT_RELEASES + 2; count++) {
        await move(driver, "shop", "development");
        await testedRelease(driver, host, "shop", {}, (count % 8).toString().repeat(64));
      }
      const numbers: number[] = [];
      for (let cursor: string | null = null, isDone = false; !isDone;) {
        const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(driver, cursor);
        numbers.push(...page.page.map(({ number }) => number));
        ({ continueCursor: cursor, isDone } = page);
      }
      const newest = KEPT_RELEASES + 3;
      expect(numbers).toEqual([...Array.from({ length: KEPT_RELEASES }, (_, index) => newest - index), 1]);
      expect(await get(driver, 2)).toBeNull();
      const { projectId } = await show(driver, "shop");
      const spec = await driver.as(WORKER).query(api.worker.project, { hostId: host.hostId, projectId });
      const digits = spec!.snapshots!.map((hash) => hash[0]);
      expect(digits).toEqual(["3", "2", "1", "0", "7"]);
    });

    const pageOf = async (driver: Driver, cursor: string | null) =>
      await driver.as(ADMIN).query(api.releases.list, {
        project: "shop",
        paginationOpts: { numItems: 20, cursor },
      });

    it("goes with the project", async ({ driver }) => {
      const host = await begin(driver);
      await testedRelease(driver, host, "shop", { output: "gone with it" });
      await move(driver, "shop", "deleting");
      await obey(driver, host);
      await expect(get(driver)).resolves.toBeNull();
      expect(await list(driver)).toEqual([]);
    });
  });

  describe("an agent", () => {
    it("reads its own project's releases, at its door too", async ({ driver }) => {
      const host = await begin(driver);
      const { projectId } = await show(driver, "shop");
      const other = await createProject(driver, "other");
      await testedRelease(driver, host, "shop", { output: "all is well" });
      const agent = driver.as(agentOf(projectId, "read"));
      const listed = await agent.fetch("/v1/projects/shop/releases");
      expect(await listed.json()).toMatchObject({ items: [{ number: 1, state: "passed" }], next: null });
      const shown = await agent.fetch("/v1/projects/shop/releases/1");
      expect(await shown.json()).toMatchObject({ output: "all is well", manifest: { name: "shop" } });
      expect((await agent.fetch("/v1/projects/shop/releases/2")).status).toBe(404);
      expect((await agent.fetch("/v1/projects/shop/releases/x")).status).toBe(400);
      const stranger = driver.as(agentOf(other.projectId, "read"));
      expect((await stranger.fetch("/v1/projects/shop/releases/1")).status).toBe(404);
      expect(await stranger.query(api.releases.get, { project: "shop" })).toBeNull();
      expect((await stranger.query(api.releases.list, { project: "shop", paginationOpts })).page).toEqual([]);
    });
  });
}

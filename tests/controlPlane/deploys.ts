import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { Receipt } from "../../core/rollout.ts";
import { ADMIN, agentOf, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import {
  allEvents,
  createProject,
  environment,
  move,
  obey,
  observed,
  registerHost,
  testedRelease,
  type HostLease,
} from "./world.ts";

const PHASE = { accepted: 10, served: 10, failed: 0, aborted: 0, p50Ms: 3, p99Ms: 9 };
const UNFINISHED = { cut: 1, streams: 2, waiting: 0 };
const RECEIPT: Receipt = { before: PHASE, during: PHASE, after: PHASE, unfinished: UNFINISHED };

/** What is wanted of the deploy environment, and what becomes of it when its worker says how that ended. */
export function deploySuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 10, cursor: null };
  const project = "shop";

  /** A project with `releases` tested ones, the first of them deployed. */
  async function begin(driver: Driver, releases: number): Promise<HostLease> {
    const host = await registerHost(driver);
    await createProject(driver, project);
    await move(driver, project, "planning", "development");
    for (let count = 0; count < releases; count += 1) {
      await move(driver, project, "testing");
      await testedRelease(driver, host, project);
      if (count === 0) await move(driver, project, "deployment");
      if (count < releases - 1) await move(driver, project, "development");
    }
    await obey(driver, host);
    return host;
  }

  async function spec(driver: Driver, { hostId }: HostLease) {
    const worker = driver.as(WORKER);
    const { page } = await worker.query(api.worker.projects, { hostId, paginationOpts });
    const found = await worker.query(api.worker.project, { hostId, projectId: page[0]!.projectId });
    return {
      projectId: found!.projectId,
      deploy: found!.environments.find(({ kind }) => kind === "deploy")!,
    };
  }

  async function report(driver: Driver, host: HostLease, state: "live" | "failed", more: object = {}) {
    const { projectId, deploy } = await spec(driver, host);
    await driver.as(WORKER).mutation(api.worker.reportDeploy, {
      hostId: host.hostId,
      epoch: host.epoch,
      projectId,
      releaseId: deploy.release!.releaseId,
      rollout: `r-${deploy.generation}`,
      state,
      cause: state === "failed" ? "web did not become ready within 2 min." : null,
      receipt: RECEIPT,
      startedAt: 1_000,
      switchedAt: 2_200,
      ...more,
    });
  }

  const list = async (driver: Driver) =>
    (await driver.as(ADMIN).query(api.releases.listDeploys, { project, paginationOpts })).page;
  const states = async (driver: Driver) =>
    (await list(driver)).map(({ kind, release, state }) => `${kind} ${release} ${state}`);
  const admin = (driver: Driver) => driver.as(ADMIN);

  describe("a deploy", () => {
    it("begins with the move to deployment, and is live with its receipt when its worker says so", async ({
      driver,
    }) => {
      const host = await begin(driver, 1);
      expect(await states(driver)).toEqual(["deploy 1 rolling"]);
      await report(driver, host, "live");
      await report(driver, host, "live");
      expect(await list(driver)).toMatchObject([{ state: "live", switchedAt: 2_200, receipt: RECEIPT }]);
      expect((await spec(driver, host)).deploy.rollout).toMatchObject({ kept: null, canary: null });
      const events = (await allEvents(driver, project)).filter(({ type }) => type === "deploy.live");
      expect(events.map(({ message }) => message)).toEqual([
        "shop serves release 1: 1.2 s to the switch; 30 requests accepted, 30 served, 0 failed, 1 cut off by the drain bound, 2 streams of before go on; p50/p99 3/9 ms before, 3/9 ms during, 3/9 ms after.",
      ]);
    });

    it("takes the newest tested release, keeps the one before ready, and goes back to it", async ({
      driver,
    }) => {
      const host = await begin(driver, 2);
      await report(driver, host, "live");
      expect(await admin(driver).mutation(api.releases.deploy, { project })).toEqual({
        ...{ deploy: 2, release: 2, changed: true },
      });
      expect(await admin(driver).mutation(api.releases.deploy, { project })).toMatchObject({
        changed: false,
      });
      expect((await spec(driver, host)).deploy).toMatchObject({ release: { number: 2 } });
      await report(driver, host, "live");
      expect((await spec(driver, host)).deploy.rollout?.kept).toMatchObject({ number: 1 });
      expect(await admin(driver).mutation(api.releases.rollback, { project })).toMatchObject({ release: 1 });
      await report(driver, host, "live");
      expect(await states(driver)).toEqual(["rollback 1 live", "deploy 2 live", "deploy 1 live"]);
      expect((await spec(driver, host)).deploy).toMatchObject({
        release: { number: 1 },
        rollout: { kept: { number: 2 } },
      });
    });

    it("that fails gives way to what was live, and the event says why", async ({ driver }) => {
      const host = await begin(driver, 2);
      await report(driver, host, "live");
      await admin(driver).mutation(api.releases.deploy, { project });
      const before = (await spec(driver, host)).deploy;
      await report(driver, host, "failed");
      const after = (await spec(driver, host)).deploy;
      expect(after).toMatchObject({ release: { number: 1 } });
      expect(after.generation).toBeGreaterThan(before.generation);
      expect(await states(driver)).toEqual(["deploy 2 failed", "deploy 1 live"]);
      const event = (await allEvents(driver, project)).find(({ type }) => type === "deploy.failed");
      expect(event?.message).toContain("web did not become ready within 2 min. Release 1 serves on.");
    });

    it("that fails with nothing live before leaves the environment as it is wanted", async ({ driver }) => {
      const host = await begin(driver, 1);
      await report(driver, host, "failed");
      expect((await spec(driver, host)).deploy).toMatchObject({
        release: { number: 1 },
        rollout: { live: null },
      });
      expect(await states(driver)).toEqual(["deploy 1 failed"]);
      await report(driver, host, "live");
      expect(await states(driver)).toEqual(["deploy 1 live"]);
    });

    it("of what is live already, whose change was undone, stays undone until somebody asks for it", async ({
      driver,
    }) => {
      const host = await begin(driver, 1);
      await report(driver, host, "live");
      const { mutation } = admin(driver);
      const rollout = async () => (await spec(driver, host)).deploy.rollout!;
      const { attempt } = await rollout();
      const undone = { revisions: "web:1a2b3c4d", attempt };
      await report(driver, host, "failed", { rollout: "r-change", undone });
      expect((await rollout()).undone).toEqual({
        ...{ ...undone, id: "r-change", cause: "web did not become ready within 2 min." },
      });
      expect(await rollout()).toMatchObject({ attempt });
      expect(await mutation(api.releases.deploy, { project })).toMatchObject({ release: 1, changed: true });
      expect((await rollout()).attempt).toBeGreaterThan(attempt);
      await report(driver, host, "live");
      expect(await rollout()).toMatchObject({ undone: null });
      expect(await mutation(api.releases.deploy, { project })).toMatchObject({ changed: false });
    });

    it("that was undone is tried again where its environment is", async ({ driver }) => {
      const host = await begin(driver, 1);
      const { projectId, deploy } = await spec(driver, host);
      const environments = [observed("deploy", deploy.generation, "failed")];
      const { hostId, epoch } = host;
      await driver.as(WORKER).mutation(api.worker.report, { hostId, epoch, projectId, environments });
      const before = deploy.rollout!.attempt;
      await admin(driver).mutation(api.projects.retryProject, { project });
      expect((await spec(driver, host)).deploy.rollout!.attempt).toBe(before + 1);
    });

    it("of what cannot be deployed is refused", async ({ driver }) => {
      const host = await begin(driver, 1);
      const { mutation } = admin(driver);
      await expectRefused(mutation(api.releases.deploy, { project, release: 7 }), "not_found");
      await expectRefused(mutation(api.releases.rollback, { project }), "guard_failed");
      await expectRefused(mutation(api.releases.promote, { project }), "guard_failed");
      await expectRefused(mutation(api.releases.deploy, { project, canary: 10 }), "guard_failed");
      await report(driver, host, "live");
      await expectRefused(mutation(api.releases.deploy, { project, canary: 10 }), "bad_request");
      const planner = driver.as(agentOf(project, "read", "move:planning"));
      await expectRefused(planner.mutation(api.releases.deploy, { project }), "forbidden");
    });

    it("as a canary gets its share until it is promoted, taken back, or fails", async ({ driver }) => {
      const host = await begin(driver, 2);
      await report(driver, host, "live");
      await admin(driver).mutation(api.releases.deploy, { project, canary: 10 });
      expect((await spec(driver, host)).deploy).toMatchObject({
        release: { number: 1 },
        rollout: { canary: { percent: 10, release: { number: 2 } } },
      });
      await admin(driver).mutation(api.releases.abort, { project });
      expect((await spec(driver, host)).deploy.rollout?.canary).toBeNull();
      await admin(driver).mutation(api.releases.deploy, { project, canary: 20 });
      const { releaseId } = (await spec(driver, host)).deploy.rollout!.canary!.release;
      await report(driver, host, "failed", {
        releaseId,
        rollout: "canary-1",
        receipt: null,
        switchedAt: null,
      });
      expect((await spec(driver, host)).deploy).toMatchObject({
        release: { number: 1 },
        rollout: { canary: null },
      });
      await admin(driver).mutation(api.releases.deploy, { project, canary: 30 });
      await admin(driver).mutation(api.releases.promote, { project });
      expect((await spec(driver, host)).deploy).toMatchObject({
        release: { number: 2 },
        rollout: { canary: null },
      });
      expect(await states(driver)).toEqual([
        "deploy 2 rolling",
        "canary 2 superseded",
        "canary 2 failed",
        "canary 2 aborted",
        "deploy 1 live",
      ]);
    });
  });

  it("scales a deployed service, within bounds, and back to its manifest", async ({ driver }) => {
    const host = await begin(driver, 1);
    const { mutation } = admin(driver);
    const before = await environment(driver, project, "deploy");
    expect(await mutation(api.releases.scale, { project, service: "app", replicas: 3 })).toEqual({
      changed: true,
    });
    expect((await spec(driver, host)).deploy.rollout?.replicas).toEqual({ app: 3 });
    expect((await environment(driver, project, "deploy")).generation).toBeGreaterThan(before.generation);
    expect(await mutation(api.releases.scale, { project, service: "app", replicas: 3 })).toEqual({
      changed: false,
    });
    await expectRefused(
      mutation(api.releases.scale, { project, service: "app", replicas: 17 }),
      "bad_request",
    );
    await expectRefused(mutation(api.releases.scale, { project, service: "web", replicas: 1 }), "not_found");
    await mutation(api.releases.scale, { project, service: "app", replicas: null });
    expect((await spec(driver, host)).deploy.rollout?.replicas).toEqual({});
  });
}

import { exportJWK, generateKeyPair, jwtVerify, type JWK } from "jose";
import { afterEach, expect, test, vi } from "vitest";
import { parseClaims } from "../core/access.ts";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN, WORKER } from "../tests/controlPlane/driver.ts";
import { expectRefused } from "../tests/controlPlane/expectRefused.ts";
import {
  allEvents,
  createProject,
  environment,
  move,
  obey,
  observed,
  registerHost,
  show,
} from "../tests/controlPlane/world.ts";
import { api, internal } from "./_generated/api.js";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function world() {
  const t = openConvexTest();
  return { t, driver: driverOf(t) };
}

test("transition moves a project as the operator, by the same rules", async () => {
  const { t, driver } = world();
  await createProject(driver, "shop");
  await t.mutation(internal.admin.transition, { project: "shop", to: "planning", reason: "by hand" });
  const [last] = (await allEvents(driver, "shop")).filter((event) => event.type === "project.transition");
  expect(last).toMatchObject({
    to: "planning",
    reason: "by hand",
    actor: { subject: "deployment operator" },
  });
  await expectRefused(
    t.mutation(internal.admin.transition, { project: "shop", to: "testing" }),
    "illegal_transition",
  );
  await expectRefused(t.mutation(internal.admin.transition, { project: "no", to: "testing" }), "not_found");
});

test("retry gives the worker what has failed again, and nothing else", async () => {
  const { t, driver } = world();
  const { hostId, epoch } = await registerHost(driver);
  const { projectId } = await createProject(driver, "shop");
  await move(driver, "shop", "planning", "development", "testing");
  await obey(driver, { hostId, epoch });
  const { generation } = await environment(driver, "shop", "test");
  const environments = [observed("test", generation, "failed")];
  await driver.as(WORKER).mutation(api.worker.report, { hostId, epoch, projectId, environments });
  expect(await t.mutation(internal.admin.retry, { project: "shop" })).toEqual({ environments: ["test"] });
  const inbox = await driver.as(WORKER).query(api.worker.inbox, { hostId });
  expect(inbox).toEqual([{ projectId, kind: "test", generation: generation + 1 }]);
});

test("pauseAll pauses every project at work, page by page", async () => {
  vi.useFakeTimers();
  const { t, driver } = world();
  await registerHost(driver, { cpus: 64, memoryBytes: 1024 ** 4 });
  for (let index = 0; index < 30; index++) {
    await createProject(driver, `project ${index}`);
    await move(driver, `project-${index}`, "planning", "development");
  }
  await createProject(driver, "idle");
  const first = await t.mutation(internal.admin.pauseAll, { reason: "maintenance" });
  expect(first).toEqual({ paused: 25, more: true });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  const paginationOpts = { numItems: 100, cursor: null };
  const list = await driver.as(ADMIN).query(api.projects.listProjects, { status: "paused", paginationOpts });
  expect(list.page).toHaveLength(30);
  expect(await show(driver, "idle")).toMatchObject({ status: "created" });
});

test("reconcile puts everything into the inboxes again", async () => {
  vi.useFakeTimers();
  const { t, driver } = world();
  const host = await registerHost(driver);
  for (let index = 0; index < 30; index++) {
    await createProject(driver, `project ${index}`);
    await move(driver, `project-${index}`, "planning", "development");
  }
  await obey(driver, host);
  await t.mutation(internal.admin.reconcile, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await driver.as(WORKER).query(api.worker.inbox, { hostId: host.hostId })).toHaveLength(90);
});

test("issueToken signs a token that is listed, and can be revoked", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid: "k1" };
  vi.stubEnv("SLIPWAY_SIGNING_KEY", JSON.stringify(jwk));
  const { t, driver } = world();
  const { projectId } = await createProject(driver, "shop");
  const issued = await t.action(internal.admin.issueToken, {
    role: "agent",
    subject: "planner",
    project: "shop",
  });
  const { payload } = await jwtVerify(issued.token, publicKey, { audience: "slipway" });
  const claims = parseClaims({ ...payload, subject: payload.sub, issuer: payload.iss });
  expect(claims).toMatchObject({ role: "agent", project: projectId, tokenId: issued.tokenId });
  expect(claims!.verbs).toContain("move:development");
  const paginationOpts = { numItems: 5, cursor: null };
  const list = await driver.as(ADMIN).query(api.tokens.listTokens, { project: "shop", paginationOpts });
  expect(list.page).toMatchObject([{ tokenId: issued.tokenId, subject: "planner" }]);
  expect(JSON.stringify(list)).not.toContain(issued.token);
});

test("issueToken says what to do where the deployment does not hold the key", async () => {
  const { t } = world();
  const call = t.action(internal.admin.issueToken, { role: "viewer", subject: "vera" });
  expect((await expectRefused(call, "setup")).hint).toContain("slipway token create");
});

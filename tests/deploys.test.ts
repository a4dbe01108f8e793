import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RECEIPT_PHASES, type Receipt } from "../core/rollout.ts";
import { startLoad } from "./deploys/load.ts";
import { Deploys } from "./deploys/world.ts";
import { World } from "./worker/world.ts";

/**
 * A real worker deploys on real Docker behind a real nginx what is no good, a canary, or dies meanwhile: users notice
 * nothing, or less than the bound. What goes well is in deploys/switches.test.ts.
 */

const PORT = 28_196;
const WITHIN_MS = 60_000;
const SOON = { timeout: WITHIN_MS, interval: 100 };

let world: World;

beforeAll(async () => {
  world = await World.make("deploys1", PORT);
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});

/** What the worker did meanwhile, where it was not what was waited for. */
afterEach(({ task }) => {
  if (task.result?.state === "fail") console.log(world.logs.slice(-60).join(""));
});

function total(receipt: Receipt | null, field: "failed"): number {
  return RECEIPT_PHASES.reduce((sum, phase) => sum + (receipt?.[phase][field] ?? 0), 0);
}

describe("a release that is no good", () => {
  const quick = { start: "4s", watch: "3s" };
  let shop: Deploys;
  beforeAll(async () => {
    shop = await Deploys.make(world, "bakery");
    await shop.deploy(shop.make("good", { replicas: 1, rollout: quick }));
  });

  test("that never becomes healthy is seen by nobody, and it is said why", async () => {
    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    const sick = shop.make("sick", { replicas: 1, behaviour: "sick", rollout: quick });
    const report = await shop.deploy(sick);
    expect(report).toMatchObject({ state: "failed", switchedAt: null });
    expect(report.cause).toContain("web did not become ready within 4 s");
    await expect.poll(() => shop.statesOf(sick.number), SOON).toEqual([]);
    const { failures, versions } = await stop();
    expect(failures).toEqual([]);
    expect([...versions.keys()]).toEqual(["good"]);
  });

  test("that answers 500s after the switch undoes itself within its bound", async () => {
    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    const report = await shop.deploy(
      shop.make("broken", { replicas: 1, behaviour: "breaks", rollout: quick }),
    );
    expect(report.state).toBe("failed");
    expect(report.cause).toMatch(/of the first \d+ requests after the switch failed/);
    const { failures, versions } = await stop();
    // Five are the bound; each lane may have had one on its way when it was reached.
    expect(failures.length).toBeGreaterThanOrEqual(5);
    expect(failures.length).toBeLessThanOrEqual(5 + 3);
    expect([...versions.keys()]).toEqual(["good"]);
    expect(total(report.receipt, "failed")).toBe(failures.length);
  });

  test("that dies after the switch is undone, and GETs are retried meanwhile", async () => {
    const deployed = shop.deploy(shop.make("mortal", { replicas: 1, behaviour: "dies", rollout: quick }));
    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    const report = await deployed;
    expect(report).toMatchObject({ state: "failed" });
    // Whichever is seen first: that nobody answers, or what its users got.
    expect(report.cause).toMatch(
      /^(?:web stopped answering [\d.]+ m?s after the switch|[5-8] of the first \d+ requests after the switch failed)/,
    );
    await expect
      .poll(async () => JSON.parse((await world.get(shop.project.namespace, "deploy")).body) as unknown, SOON)
      .toMatchObject({ version: "good" });
    const { failures, versions } = await stop();
    expect(failures.length).toBeLessThanOrEqual(5 + 3);
    expect(versions.get("good")).toBeGreaterThan(0);
  });
});

test("a release that dies after the switch while nobody asks is undone, and it is said why", async () => {
  const shop = await Deploys.make(world, "bookshop");
  const quick = { replicas: 1, rollout: { start: "4s", watch: "3s" } };
  await shop.deploy(shop.make("good", quick));
  // It was asked once: the worker proved the route.
  const report = await shop.deploy(shop.make("mortal", { ...quick, behaviour: "dies" }));
  expect(report).toMatchObject({ state: "failed" });
  expect(report.cause).toMatch(/^web stopped answering [\d.]+ m?s after the switch\./);
  await expect
    .poll(async () => JSON.parse((await world.get(shop.project.namespace, "deploy")).body) as unknown, SOON)
    .toMatchObject({ version: "good" });
});

test("a release that is healthy, and that no request reaches, is undone, and it is said why", async () => {
  const shop = await Deploys.make(world, "atelier");
  await shop.deploy(shop.make("good", { replicas: 1 }));
  const shy = shop.make("shy", { replicas: 1, behaviour: "shy" });
  const report = await shop.deploy(shy);
  expect(report).toMatchObject({ state: "failed" });
  expect(report.cause).toMatch(/^No request reached it within 30 s of the switch: /);
  await expect
    .poll(async () => JSON.parse((await world.get(shop.project.namespace, "deploy")).body) as unknown, SOON)
    .toMatchObject({ version: "good" });
  await expect.poll(() => shop.statesOf(shy.number), SOON).toEqual([]);
});

test("a canary gets its share of the requests, and goes by itself where it fails more often", async () => {
  const shop = await Deploys.make(world, "florist");
  await shop.deploy(shop.make("main"));
  const { load, stop } = startLoad(PORT, shop.base, { lanes: 6 });
  shop.canary(shop.make("canary"), 20);
  const share = () => load.versions.get("canary") ?? 0;
  await expect.poll(share, SOON).toBeGreaterThan(40);
  const others = load.versions.get("main")!;
  shop.canary(null, 0);
  await expect.poll(() => shop.upstreams(), SOON).toBe(2);
  const { failures } = await stop();
  expect(failures).toEqual([]);
  // What came before the canary counts for the others, so its share is below its weight; it is far from half.
  expect(share() / (share() + others)).toBeLessThan(0.35);

  const bad = startLoad(PORT, shop.base, { lanes: 4 });
  const broken = shop.make("broken", { behaviour: "breaks" });
  shop.canary(broken, 20);
  await expect
    .poll(
      () => world.controlPlane.deploys.find(({ releaseId }) => releaseId === broken.releaseId)?.state,
      SOON,
    )
    .toBe("failed");
  await expect.poll(() => shop.statesOf(broken.number), SOON).toEqual([]);
  const seen = (await bad.stop()).failures.length;
  expect(seen).toBeGreaterThanOrEqual(5);
  expect(seen).toBeLessThanOrEqual(5 + 4);
});

test("a worker that is killed in the middle of a rollout is followed by one that ends it", async () => {
  const shop = await Deploys.make(world, "cafe");
  await shop.deploy(shop.make("one"));
  const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
  const two = shop.make("two");
  const report = shop.deploy(two);
  await expect
    .poll(() => world.logs.some((line) => line.includes('"phase":"during"') && line.includes("cafe")), SOON)
    .toBe(true);
  await world.stopWorker();
  await world.startWorker();
  expect(await report).toMatchObject({ state: "live", releaseId: two.releaseId });
  const { failures } = await stop();
  expect(failures).toEqual([]);
});

describe("a service that takes long to say that it is well", () => {
  let shop: Deploys;
  const pensive = { replicas: 1, behaviour: "pensive" } as const;
  beforeAll(async () => {
    shop = await Deploys.make(world, "library");
    await shop.deploy(shop.make("one", pensive));
  });

  test("serves its users while its worker is restarted", async () => {
    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    await shop.restartWorker();
    await shop.restartWorker();
    const { failures, sent } = await stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(10);
  });

  test("stays deployed where its worker is restarted while the switch is watched", async () => {
    const two = shop.make("two", pensive);
    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    const report = shop.deploy(two);
    const isSwitched = (line: string) => line.includes('"phase":"during"') && line.includes("library");
    await expect.poll(() => world.logs.some(isSwitched), SOON).toBe(true);
    await shop.restartWorker();
    expect(await report).toMatchObject({ state: "live", releaseId: two.releaseId });
    expect((await stop()).failures).toEqual([]);
  });
});

test("a change of what is live that was undone stays so until somebody asks for it again", async () => {
  const shop = await Deploys.make(world, "grocer");
  const quick = { start: "4s", watch: "3s" };
  await shop.deploy(shop.make("good", { replicas: 1, rollout: quick }));
  const broken = shop.make("broken", { replicas: 1, behaviour: "breaks", rollout: quick });
  const change = shop.changed(1, broken);
  const first = startLoad(PORT, shop.base, { lanes: 3 });
  const undone = await shop.deploy(change);
  expect(undone).toMatchObject({ state: "failed", undone: { attempt: expect.any(Number) } });
  await first.stop();

  const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
  shop.touch();
  await world.become(shop.project, "failed", "deploy");
  await shop.restartWorker();
  shop.touch();
  await world.become(shop.project, "failed", "deploy");
  const { failures, versions } = await stop();
  expect(failures).toEqual([]);
  expect([...versions.keys()]).toEqual(["good"]);

  const { stop: end } = startLoad(PORT, shop.base, { lanes: 3 });
  const again = await shop.deploy(change);
  await end();
  expect(again.state).toBe("failed");
  expect(again.rollout).not.toBe(undone.rollout);
});

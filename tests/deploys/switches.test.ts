import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RECEIPT_PHASES, type Receipt } from "../../core/rollout.ts";
import { LEAST_DRAIN_MS } from "../../worker/rollout/decide.ts";
import { times } from "../long.ts";
import { World } from "../worker/world.ts";
import { killUnderLoad } from "./kill.ts";
import { startLoad } from "./load.ts";
import { Deploys } from "./world.ts";

/** A real worker switches, scales and goes back on real Docker behind a real nginx, under constant load: nothing is lost. */

const PORT = 28_194;
const SWITCHES = times(5, 10);
const SCALINGS = times(1, 5);
const KILLS = times(1, 5);
const WITHIN_MS = 60_000;
const SOON = { timeout: WITHIN_MS, interval: 100 };

let world: World;
let shop: Deploys;

beforeAll(async () => {
  world = await World.make("switches1", PORT);
  await world.startWorker();
  shop = await Deploys.make(world, "shop");
  await shop.deploy(shop.make("v0"));
});
afterAll(async () => {
  await world?.end();
});

/** What the worker did meanwhile, where it was not what was waited for. */
afterEach(({ task }) => {
  if (task.result?.state === "fail") console.log(world.logs.slice(-60).join(""));
});

function total(receipt: Receipt | null, field: "accepted" | "failed"): number {
  return RECEIPT_PHASES.reduce((sum, phase) => sum + (receipt?.[phase][field] ?? 0), 0);
}

describe("a service of two replicas under constant load", () => {
  test(`${SWITCHES} switches and a rollback drop nothing, and each writes its receipt`, async () => {
    const { load, stop } = startLoad(PORT, shop.base, { lanes: 6, pauseMs: 20, sockets: 2, lasting: true });
    /** What the containers of `version` ended after they had had the time that they have in any case. */
    const outlived = (version: string, switchedAt: number) =>
      load.lasting
        .filter((one) => one.version === version && one.endedAt > switchedAt + LEAST_DRAIN_MS)
        .map(({ kind }) => kind);
    const switches: { from: string; switchedAt: number }[] = [];
    for (let count = 1; count <= SWITCHES; count += 1) {
      const report = await shop.deploy(shop.make(`v${count}`));
      expect(report).toMatchObject({ state: "live", cause: null });
      expect(total(report.receipt, "accepted")).toBeGreaterThan(0);
      expect(total(report.receipt, "failed")).toBe(0);
      expect(report.receipt?.during.p99Ms).toBeGreaterThan(0);
      expect(report.switchedAt! - report.startedAt).toBeGreaterThan(0);
      switches.push({ from: `v${count - 1}`, switchedAt: report.switchedAt! });
    }
    // The release before is kept, paused and off its networks, so that nothing has to be made to go back to it.
    const kept = `v${SWITCHES - 1}`;
    await expect.poll(async () => (await shop.statesOf(SWITCHES)).join(), SOON).toBe("paused,paused");
    const ids = await shop.idsOf(SWITCHES);
    const back = await shop.deploy(shop.release(SWITCHES));
    expect(back).toMatchObject({ state: "live", cause: null });
    expect(total(back.receipt, "failed")).toBe(0);
    switches.push({ from: `v${SWITCHES}`, switchedAt: back.switchedAt! });
    expect(await shop.idsOf(SWITCHES)).toEqual(ids);
    expect(JSON.parse((await world.get(shop.project.namespace, "deploy")).body)).toMatchObject({
      version: kept,
    });

    const { failures, sent, sockets, versions } = await stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(100 * SWITCHES);
    expect(sockets).toBeGreaterThan(0);
    expect(versions.size).toBe(SWITCHES + 1);
    for (const { from, switchedAt } of switches) {
      expect(outlived(from, switchedAt)).toEqual(expect.arrayContaining(["answer", "WebSocket"]));
    }
  });

  test("scaling up and down drops nothing, and makes nothing else anew", async () => {
    const before = await shop.idsOf(SWITCHES);
    const { stop } = startLoad(PORT, shop.base, { lanes: 4, pauseMs: 20, sockets: 1, lasting: true });
    for (let count = 0; count < SCALINGS; count += 1) {
      shop.scale(3);
      await expect.poll(() => shop.upstreams(), SOON).toBe(3);
      shop.scale(1);
      await expect.poll(() => shop.upstreams(), SOON).toBe(1);
      await expect.poll(async () => (await shop.idsOf(SWITCHES)).length, SOON).toBe(1);
      shop.scale(2);
      await expect.poll(() => shop.upstreams(), SOON).toBe(2);
    }
    const { failures, lasting } = await stop();
    expect(failures).toEqual([]);
    expect(lasting.length).toBeGreaterThan(0);
    expect(before).toEqual(expect.arrayContaining((await shop.idsOf(SWITCHES)).slice(0, 1)));
  });

  test("a container that is killed costs no GET, and no POST is sent twice", async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const [victim] = await shop.idsOf(SWITCHES);
      const { failedGets, lostPosts, twice, unseen } = await killUnderLoad(shop, PORT, victim!, kill);
      expect({ failedGets, twice, unseen }).toEqual({ failedGets: [], twice: [], unseen: [] });
      // At most what was in progress in the container at that moment.
      expect(lostPosts.length).toBeLessThanOrEqual(6);
      await expect.poll(() => shop.upstreams(), SOON).toBe(2);
    }
  });
});

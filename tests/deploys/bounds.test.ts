import http from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ask } from "../gateway/client.ts";
import { World } from "../worker/world.ts";
import { startLoad } from "./load.ts";
import { Deploys } from "./world.ts";

/** What outlives its time at a container that is replaced, and what a new one never answers. */

const PORT = 28_297;
const SOON = { timeout: 60_000, interval: 50 };
/** Within how long of its bound a connection is closed: a switch is live a second after it at the earliest. */
const CLOSED_WITHIN_MS = 2_500;

let world: World;

beforeAll(async () => {
  world = await World.make("bounds1", PORT);
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});
afterEach(({ task }) => {
  if (task.result?.state === "fail") console.log(world.logs.slice(-60).join(""));
});

/** A connection that is open until the gateway ends it: then `closedAt` is ms since 1970. */
type Held = { closedAt: number | null; close: () => void };

function download(base: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port: PORT, path: `${base}/drip`, agent: false });
    const held: Held = { closedAt: null, close: () => request.destroy() };
    request.on("error", reject);
    request.on("response", (response) => {
      response.on("error", () => {});
      response.once("close", () => (held.closedAt = Date.now()));
      response.once("data", () => resolve(held));
      response.resume();
    });
  });
}

function socket(base: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    const opened = new WebSocket(`ws://127.0.0.1:${PORT}${base}/socket`);
    const held: Held = { closedAt: null, close: () => opened.terminate() };
    opened.once("close", () => (held.closedAt = Date.now()));
    opened.once("error", reject);
    opened.once("open", () => resolve(held));
  });
}

/** How long after `since` it was closed. */
async function closedAfterMs(held: Held, since: number): Promise<number> {
  await expect.poll(() => held.closedAt, { ...SOON, timeout: 20_000 }).not.toBeNull();
  return held.closedAt! - since;
}

const versionAt = async (shop: Deploys) =>
  (JSON.parse((await ask(PORT, `${shop.base}/`)).body) as { version: string }).version;

describe("what outlives its bound at a release that is kept ready", () => {
  const rollout = { drain: "2s", streams: "6s", watch: "1s" };
  let shop: Deploys;
  beforeAll(async () => {
    shop = await Deploys.make(world, "shop");
    await shop.deploy(shop.make("v1", { replicas: 1, rollout }));
  });

  test("is closed: a download at the bound for requests, and the receipt says so", async () => {
    const held = await download(shop.base);
    const report = await shop.deploy(shop.make("v2", { replicas: 1, rollout }));
    expect(report).toMatchObject({ state: "live", receipt: { unfinished: { cut: 1, streams: 0 } } });
    const afterMs = await closedAfterMs(held, report.switchedAt!);
    expect(afterMs).toBeGreaterThan(2_000);
    expect(afterMs).toBeLessThan(2_000 + CLOSED_WITHIN_MS);
    await expect.poll(() => shop.statesOf(1), SOON).toEqual(["paused"]);
  });

  test("is closed: a WebSocket at the bound for streams; then one switch still goes back", async () => {
    const held = await socket(shop.base);
    const besides = await download(shop.base);
    const kept = await shop.idsOf(2);
    const report = await shop.deploy(shop.make("v3", { replicas: 1, rollout }));
    expect(report).toMatchObject({ state: "live", receipt: { unfinished: { cut: 0, streams: 1 } } });
    for (const one of [held, besides]) {
      const afterMs = await closedAfterMs(one, report.switchedAt!);
      expect(afterMs).toBeGreaterThan(6_000);
      expect(afterMs).toBeLessThan(6_000 + CLOSED_WITHIN_MS);
    }
    await expect.poll(() => shop.statesOf(2), SOON).toEqual(["paused"]);

    const { stop } = startLoad(PORT, shop.base, { lanes: 3 });
    const stays = await socket(shop.base);
    const back = await shop.deploy(shop.release(2));
    expect(back.state).toBe("live");
    expect(await shop.idsOf(2)).toEqual(kept);
    expect(await versionAt(shop)).toBe("v2");
    // What is new at the same container is none of what was ended there.
    const fresh = await socket(shop.base);
    await closedAfterMs(stays, back.switchedAt!);
    expect(fresh.closedAt).toBeNull();
    fresh.close();
    expect((await stop()).failures).toEqual([]);
  });
});

describe("a release that is healthy, and", () => {
  const quick = { start: "10s", watch: "8s", drain: "2s" };
  let shop: Deploys;
  beforeAll(async () => {
    shop = await Deploys.make(world, "bakery");
    await shop.deploy(shop.make("good", { replicas: 1, rollout: quick }));
  });

  /** Clients one after the other in each lane, who wait for `patienceMs` each, until `stop`. */
  function clients(patienceMs: number, lanes: number): { stop: () => Promise<void> } {
    let going = true;
    const lane = async () => {
      while (going) {
        await new Promise<void>((resolve) => {
          const request = http.get({ host: "127.0.0.1", port: PORT, path: `${shop.base}/`, agent: false });
          request.setTimeout(patienceMs, () => request.destroy());
          request.on("response", (response) => response.resume());
          request.on("error", () => {});
          request.once("close", resolve);
        });
      }
    };
    const all = Array.from({ length: lanes }, lane);
    return {
      stop: async () => {
        going = false;
        await Promise.all(all);
      },
    };
  }

  test("answers nothing is undone, once enough clients have waited in vain", async () => {
    const { stop } = clients(1_500, 4);
    const report = await shop.deploy(shop.make("hangs", { replicas: 1, behaviour: "hangs", rollout: quick }));
    await stop();
    expect(report.state).toBe("failed");
    expect(report.cause).toMatch(/\d+ of the first \d+ requests after the switch were given up/);
    expect(await versionAt(shop)).toBe("good");
  });

  test("breaks its answers off is undone", async () => {
    const { stop } = clients(1_500, 4);
    const report = await shop.deploy(shop.make("tears", { replicas: 1, behaviour: "tears", rollout: quick }));
    await stop();
    expect(report.state).toBe("failed");
    expect(report.cause).toMatch(/of the first \d+ requests after the switch failed/);
    expect(await versionAt(shop)).toBe("good");
  });

  test("answers nothing to clients who go on waiting is live, and its receipt says so", async () => {
    const { stop } = clients(12_000, 3);
    const report = await shop.deploy(shop.make("mute", { replicas: 1, behaviour: "hangs", rollout: quick }));
    expect(report).toMatchObject({ state: "live", receipt: { unfinished: { waiting: 3 } } });
    await stop();
  });
});

import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ask } from "./client.ts";
import { startLoad } from "./load.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/**
 * Routes change under constant load, and nobody notices: the gateway alone. What a worker makes of it, with drains and
 * receipts, is in tests/deploys/switches.test.ts; what neighbours do is in neighbours.ts. Those are in `npm test`, too.
 */

const PORT = 28_085;
const SHOP = "project_1700000000041_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;
const SWITCHES = 5;
/** How long the old containers stay after a switch: what was on its way to them gets there. */
const DRAIN_MS = 1_000;

let world: World;
let shopNetwork: string;
let made = 0;

beforeAll(async () => {
  world = await World.start("gwswit23", PORT, "10.249.6");
  shopNetwork = await world.network(SHOP, "dev");
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function release(replicas: number): Promise<Upstream[]> {
  const names = Array.from({ length: replicas }, () => `shop-${(made += 1)}`);
  return Promise.all(names.map((name) => world.upstream(name, [shopNetwork])));
}

async function remove(upstreams: readonly Upstream[]): Promise<void> {
  await Promise.all(
    upstreams.map(async ({ id }) => {
      await world.docker.getContainer(id).stop({ t: 5 });
      await world.docker.getContainer(id).remove();
    }),
  );
}

describe("under constant load", () => {
  test(`${SWITCHES} blue-green switches of two replicas drop nothing`, async () => {
    let current = await release(2);
    await world.gateway.pushProject(routesTo(SHOP, { dev: current }));
    const socket = new WebSocket(`ws://127.0.0.1:${PORT}${AT_SHOP}/chat`);
    await new Promise((resolve, reject) => socket.once("message", resolve).once("error", reject));
    const load = startLoad(PORT, AT_SHOP, { lanes: 16, expected: "shop" });

    for (let count = 0; count < SWITCHES; count += 1) {
      const next = await release(2);
      const routes = routesTo(SHOP, { dev: next });
      expect(await world.gateway.pushProject(routes)).toBe(routes.version);
      const proof = await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" });
      expect(proof).toMatchObject({ version: routes.version, status: 200 });
      expect(next.map(({ address, port }) => `${address}:${port}`)).toContain(proof.upstream);
      if (count === 0) {
        // Its container lives until the socket was used once more: a switch does not end what is open.
        const echoed = new Promise((resolve) =>
          socket.once("message", (message) => resolve(String(message))),
        );
        socket.send("still here");
        expect(await echoed).toBe("STILL HERE");
        socket.close();
      }
      // Draining is a matter of time, not of a condition that could be seen from here.
      await pause(DRAIN_MS);
      await remove(current);
      current = next;
    }

    const { sent, failures, answeredBy } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(200 * SWITCHES);
    expect(answeredBy.size).toBe(2 * (SWITCHES + 1));
    await remove(current);
  });

  test("scaling from one to three and back drops nothing, and all three get their share", async () => {
    const [first, ...others] = (await release(3)) as [Upstream, Upstream, Upstream];
    await world.gateway.pushProject(routesTo(SHOP, { dev: [first] }));
    const load = startLoad(PORT, AT_SHOP, { lanes: 12, expected: "shop" });
    const answers = ({ name }: Upstream) => load.outcome.answeredBy.get(name) ?? 0;
    await expect.poll(() => answers(first), { timeout: 10_000 }).toBeGreaterThan(20);
    await world.gateway.pushProject(routesTo(SHOP, { dev: [first, ...others] }));
    await expect.poll(() => Math.min(...others.map(answers)), { timeout: 10_000 }).toBeGreaterThan(20);
    await world.gateway.pushProject(routesTo(SHOP, { dev: [first] }));
    await pause(DRAIN_MS);
    await remove(others);
    const { failures } = await load.stop();
    expect(failures).toEqual([]);
    await remove([first]);
  });

  test("a container killed behind two replicas costs no GET", async () => {
    const [victim, survivor] = (await release(2)) as [Upstream, Upstream];
    await world.gateway.pushProject(routesTo(SHOP, { dev: [victim, survivor] }));
    const failures: string[] = [];
    let killed = false;
    const lanes = Array.from({ length: 8 }, async () => {
      for (let count = 0; count < 200; count += 1) {
        const { status } = await ask(PORT, `${AT_SHOP}/`);
        if (status !== 200) failures.push(`${status}, ${killed ? "after" : "before"} the kill`);
      }
    });
    await world.docker.getContainer(victim.id).kill();
    killed = true;
    await Promise.all(lanes);
    expect(failures).toEqual([]);
    await remove([survivor]);
  });
});

test("what a container has in progress ends when it is to, and nothing else does", async () => {
  const [ending, staying] = (await release(2)) as [Upstream, Upstream];
  const reaches = [ending, staying].map(({ address, port }) => `${address}:${port}`);
  const counts = async (upstream: Upstream) => {
    const reach = `${upstream.address}:${upstream.port}`;
    return (await world.gateway.inProgress([reach])).get(reach);
  };
  const three = { requests: 3, streams: 1 };
  /** A WebSocket, an answer that has begun and a request that is not answered, at one container. */
  const hold = async (upstream: Upstream) => {
    await world.gateway.pushProject(routesTo(SHOP, { dev: [upstream] }));
    const socket = new WebSocket(`ws://127.0.0.1:${PORT}${AT_SHOP}/chat`);
    await new Promise((resolve, reject) => socket.once("message", resolve).once("error", reject));
    const answer = await fetch(`http://127.0.0.1:${PORT}${AT_SHOP}/events`);
    const posted = ask(PORT, `${AT_SHOP}/hang`, { method: "POST", body: "x" });
    let closed = false;
    socket.once("close", () => (closed = true));
    await expect.poll(() => counts(upstream), { timeout: 5_000 }).toEqual(three);
    return { socket, answer, posted, isClosed: () => closed };
  };
  const held = await hold(ending);
  const kept = await hold(staying);

  const asked = performance.now();
  await world.gateway.endConnections([reaches[0]!]);
  await expect(held.answer.text()).rejects.toThrow();
  expect((await held.posted).status).toBe(502);
  await expect.poll(held.isClosed, { timeout: 2_000, interval: 10 }).toBe(true);
  expect(performance.now() - asked).toBeLessThan(1_000);
  await expect.poll(() => counts(ending), { timeout: 2_000 }).toEqual({ requests: 0, streams: 0 });
  expect(await counts(staying)).toEqual(three);

  // It is asked for once: what comes afterwards goes on.
  const echoed = new Promise((resolve) => kept.socket.once("message", (text) => resolve(String(text))));
  kept.socket.send("still here");
  expect(await echoed).toBe("STILL HERE");
  await world.gateway.pushProject(routesTo(SHOP, { dev: [ending] }));
  expect((await ask(PORT, `${AT_SHOP}/slow?ms=1000`)).status).toBe(200);
  kept.socket.terminate();
  await kept.answer.body?.cancel();
  await world.gateway.endConnections(reaches);
  await kept.posted;
  await remove([ending, staying]);
});

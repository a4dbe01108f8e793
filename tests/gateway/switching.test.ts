import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import { environmentHost, environmentPath, type EnvironmentRoute } from "../../core/routes.ts";
import { ask } from "./client.ts";
import { startLoad } from "./load.ts";
import { nextVersion, routesTo, slugOf, World, type Upstream } from "./world.ts";
import { longTest } from "../long.ts";

/**
 * Routes change under constant load, and nobody notices. What a worker makes of it, with drains and receipts, is in
 * tests/deploys/switches.test.ts, in `npm test` too; here the gateway is shown alone.
 */

const PORT = 28_085;
const SHOP = "project_1700000000041_shopaaaa";
const BLOG = "project_1700000000042_blogbbbb";
const AT_SHOP = `/projects/${SHOP}/dev`;
const SWITCHES = 5;
const CHANGES = 1_000;
const REQUESTS = 10_000;
/** How long the old containers stay after a switch: what was on its way to them gets there. */
const DRAIN_MS = 1_000;

let world: World;
let shopNetwork: string;
let blogNetwork: string;
let blog: Upstream;
let made = 0;

beforeAll(async () => {
  world = await World.start("gwswit23", PORT, "10.249.6");
  shopNetwork = await world.network(SHOP, "dev");
  blogNetwork = await world.network(BLOG, "dev");
  blog = await world.upstream("blog", [blogNetwork]);
  await world.gateway.pushProject(routesTo(BLOG, { dev: [blog] }));
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
  longTest(`${SWITCHES} blue-green switches of two replicas drop nothing`, async () => {
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

  longTest("scaling from one to three and back drops nothing, and all three get their share", async () => {
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

  longTest("a container killed behind two replicas costs no GET", async () => {
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

  test("a thousand changes of other projects' routes disturb nobody", async () => {
    const shop = await release(1);
    await world.gateway.pushProject(routesTo(SHOP, { dev: shop }));
    const load = startLoad(PORT, AT_SHOP, { lanes: 8, expected: "shop" });
    const others = Array.from(
      { length: 20 },
      (_, number) => `project_1700000001${100 + number}_other${100 + number}`,
    );
    await expect.poll(() => load.outcome.sent, { timeout: 10_000 }).toBeGreaterThan(20);
    const before = load.outcome.sent;
    const started = performance.now();
    await Promise.all(
      others.map(async (other) => {
        for (let count = 0; count < CHANGES / others.length; count += 1)
          await world.gateway.pushProject(routesTo(other, { dev: [blog] }));
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    const meanwhile = load.outcome.sent - before;
    const { failures } = await load.stop();
    console.log(`${Math.round(CHANGES / seconds)} route changes a second, ${meanwhile} requests meanwhile`);
    expect(failures).toEqual([]);
    expect(meanwhile).toBeGreaterThan(0);
    await Promise.all(others.map((other) => world.gateway.removeProject(other)));
    await remove(shop);
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

describe("two projects with the same services at the same prefixes and ports", () => {
  const SERVICES = [
    { service: "web", prefix: "/", port: 3000 },
    { service: "api", prefix: "/api", port: 3001 },
    { service: "admin", prefix: "/api/admin", port: 3002 },
  ] as const;
  type Containers = Record<EnvironmentKind, Upstream>;
  /** A way to a service, and the beginning of the names of the containers that may answer it. */
  type Way = { host: string; path: string; port: number; expected: string };

  const domainOf = (namespace: string) => `${slugOf(namespace)}.example.com`;
  const expectedOf = (namespace: string, kind: EnvironmentKind) => `${slugOf(namespace)}-${kind}-`;

  /** Each environment has one container, in which all of its services listen. */
  async function start(namespace: string, kind: EnvironmentKind, network: string): Promise<Upstream> {
    const [first, ...others] = SERVICES.map(({ port }) => port);
    return await world.upstream(
      `${expectedOf(namespace, kind)}${(made += 1)}`,
      [network],
      [first!, ...others],
    );
  }

  async function push(namespace: string, containers: Containers): Promise<void> {
    const environmentOf = (kind: EnvironmentKind): EnvironmentRoute => ({
      state: "serving",
      services: SERVICES.map(({ service, prefix, port }) => ({
        ...{ service, prefix, stripPrefix: false },
        upstreams: [{ address: containers[kind].address, port, weight: 1, draining: false }],
      })),
    });
    const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
    await world.gateway.pushProject({
      ...{ namespace, slug: slugOf(namespace), version: nextVersion() },
      environments: Object.fromEntries(ENVIRONMENT_KINDS.map((kind) => [kind, environmentOf(kind)])),
      domains: [{ name: domainOf(namespace), environment: "deploy" }],
      limits: { project: unlimited, client: unlimited },
    });
  }

  /** By path, by each environment's own host, and by the project's domain: to every service each. */
  function waysOf(namespace: string): Way[] {
    return ENVIRONMENT_KINDS.flatMap((kind) =>
      SERVICES.flatMap(({ prefix, port }) => {
        const path = prefix === "/" ? "/apis" : `${prefix}/x`;
        const expected = expectedOf(namespace, kind);
        const own = environmentHost(slugOf(namespace), kind, "localhost");
        return [
          { host: "localhost", path: `${environmentPath(namespace, kind)}${path}`, port, expected },
          { host: own, path, port, expected },
          ...(kind === "deploy" ? [{ host: domainOf(namespace), path, port, expected }] : []),
        ];
      }),
    );
  }

  test(`never answer for one another by any route, not in ${REQUESTS} requests and while one redeploys`, async () => {
    const networks = new Map<string, string>();
    const containers = new Map<string, Containers>();
    for (const namespace of [SHOP, BLOG]) {
      for (const kind of ENVIRONMENT_KINDS) {
        const known = kind === "dev" ? (namespace === SHOP ? shopNetwork : blogNetwork) : null;
        networks.set(expectedOf(namespace, kind), known ?? (await world.network(namespace, kind)));
      }
    }
    const started = (namespace: string, kind: EnvironmentKind) =>
      start(namespace, kind, networks.get(expectedOf(namespace, kind))!);
    for (const namespace of [SHOP, BLOG]) {
      const all = await Promise.all(ENVIRONMENT_KINDS.map((kind) => started(namespace, kind)));
      const byKind = Object.fromEntries(ENVIRONMENT_KINDS.map((kind, index) => [kind, all[index]]));
      containers.set(namespace, byKind as Containers);
      await push(namespace, byKind as Containers);
    }

    const ways = [...waysOf(SHOP), ...waysOf(BLOG)];
    // Kept connections go from one project to the other with every request.
    const agent = new http.Agent({ keepAlive: true, maxSockets: 12 });
    const wrong: string[] = [];
    const answeredBy = new Set<string>();
    let [sent, redeploys] = [0, true];
    const lanes = Array.from({ length: 12 }, async (_, lane) => {
      while (sent < REQUESTS || redeploys) {
        const { host, path, port, expected } = ways[sent % ways.length]!;
        sent += 1;
        const answer = await ask(PORT, path, { host, ...(lane % 3 === 0 ? {} : { agent }) });
        const seen =
          answer.status === 200
            ? (JSON.parse(answer.body) as { name: string; port: number })
            : { name: String(answer.status), port };
        answeredBy.add(seen.name);
        if (!seen.name.startsWith(expected) || seen.port !== port)
          wrong.push(`${host}${path} answered by ${seen.name} at ${seen.port}`);
      }
    });
    const serving = containers.get(SHOP)!;
    for (const kind of ENVIRONMENT_KINDS) {
      const before = serving[kind];
      serving[kind] = await started(SHOP, kind);
      await push(SHOP, serving);
      // Draining is a matter of time, not of a condition that could be seen from here.
      await pause(DRAIN_MS);
      await remove([before]);
    }
    redeploys = false;
    await Promise.all(lanes);
    agent.destroy();
    expect(wrong).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(REQUESTS);
    expect(answeredBy.size).toBe(3 * ENVIRONMENT_KINDS.length);
  });
});

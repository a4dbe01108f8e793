import { once } from "node:events";
import { appendFile, cp, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GATEWAY_IMAGE, gatewayName, gatewayPaths } from "../../worker/gateway/config.ts";
import { ensureGateway } from "../../worker/gateway/ensure.ts";
import { GatewaySource } from "../../worker/gateway/gatewaySource.ts";
import { ask } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";
import { longTest } from "../long.ts";

/** The gateway is killed, changed and taken apart; its routes go on. Nothing is pushed again unless a test says so. */

const PORT = 28_084;
const SHOP = "project_1700000000031_shopaaaa";
const BLOG = "project_1700000000032_blogbbbb";
const GONE = "project_1700000000033_goneccc";

let world: World;
let shop: Upstream;

beforeAll(async () => {
  world = await World.start("gwrest23", PORT, "10.249.5");
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
  await world.gateway.pushProject(
    routesTo(BLOG, {}, { environments: { dev: { state: "paused", services: [] } } }),
  );
  await world.gateway.pushProject(routesTo(GONE, { dev: [shop] }));
  await world.gateway.removeProject(GONE);
});
afterAll(async () => {
  await world?.stop();
});

const name = () => gatewayName(world.instanceId);
const inspect = () => world.docker.getContainer(name()).inspect();

async function expectRoutes(): Promise<void> {
  expect(await ask(PORT, `/projects/${SHOP}/dev/`)).toMatchObject({
    status: 200,
    body: expect.stringContaining('"name":"shop"'),
  });
  expect((await ask(PORT, `/projects/${BLOG}/dev/`)).status).toBe(503);
  expect((await ask(PORT, `/projects/${GONE}/dev/`)).status).toBe(404);
}

/** Waits until the container was started after `before`. */
async function restartedSince(before: string): Promise<void> {
  await expect
    .poll(async () => (await inspect()).State.StartedAt > before && (await inspect()).State.Running, {
      timeout: 20_000,
    })
    .toBe(true);
  await expect
    .poll(
      () =>
        world.gateway.answeringVersions().then(
          () => true,
          () => false,
        ),
      { timeout: 10_000 },
    )
    .toBe(true);
}

describe("the gateway", () => {
  test("that is as it should be is left alone", async () => {
    const before = (await inspect()).Id;
    expect(await ensureGateway(world.docker, world.config)).toEqual({ actions: [] });
    expect((await inspect()).Id).toBe(before);
  });

  test("whose nginx is killed comes back by itself, with its routes, over the sockets left behind", async () => {
    const { StartedAt } = (await inspect()).State;
    const { pushSocket } = gatewayPaths(world.config.dataDir);
    await world.exec(name(), ["busybox", "killall", "-9", "nginx"]);
    expect((await stat(pushSocket)).isSocket()).toBe(true);
    await restartedSince(StartedAt);
    await expectRoutes();
  });

  longTest("whose worker processes are killed goes on, and counts nothing that ended with them", async () => {
    const { StartedAt } = (await inspect()).State;
    const reach = `${shop.address}:${shop.port}`;
    const requests = async () => (await world.gateway.inProgress([reach])).get(reach)?.requests;
    const hanging = Array.from({ length: 8 }, () =>
      ask(PORT, `/projects/${SHOP}/dev/hang`).catch(() => null),
    );
    await expect.poll(requests, { timeout: 10_000 }).toBe(8);
    const { output } = await world.exec(name(), ["busybox", "pidof", "nginx"]);
    // The master is the one that was there first.
    const [, ...victims] = output
      .trim()
      .split(/\s+/)
      .map(Number)
      .sort((one, other) => one - other);
    const kill = ["busybox", "kill", "-9", ...victims.map(String)];
    expect((await world.exec(name(), kill)).exitCode).toBe(0);
    expect(await Promise.all(hanging)).toEqual(Array.from({ length: 8 }, () => null));
    await expectRoutes();
    await expect.poll(requests, { timeout: 10_000 }).toBe(0);
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
    await expectRoutes();
    expect((await inspect()).State.StartedAt).toBe(StartedAt);
  });

  test("that was killed from outside is started again", async () => {
    await world.docker.getContainer(name()).kill();
    await expect(world.gateway.answeringVersions()).rejects.toMatchObject({ kind: "unreachable" });
    expect(await ensureGateway(world.docker, world.config)).toEqual({
      actions: [`started ${name()}, which was exited`],
    });
    await expectRoutes();
  });

  longTest("that was paused goes on", async () => {
    await world.docker.getContainer(name()).pause();
    expect(await ensureGateway(world.docker, world.config)).toEqual({ actions: [`resumed ${name()}`] });
    await expectRoutes();
  });

  longTest("whose container and network are gone is made anew", async () => {
    await world.docker.getContainer(name()).remove({ force: true });
    await world.docker.getNetwork(name()).remove();
    const { actions } = await ensureGateway(world.docker, world.config);
    expect(actions).toEqual([
      `created the network ${name()} on the bridge sg${world.instanceId}`,
      `created and started ${name()}`,
    ]);
    await expectRoutes();
  });

  longTest(
    "is left alone by the worker that made it, whatever becomes of the repository and the image's name",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "slipway-source-"));
      const [repo, tag] = [`slipway-test-${world.instanceId}`, "1"];
      const config = { ...world.config, image: `${repo}:${tag}` };
      const nameImage = (image: string) => world.docker.getImage(image).tag({ repo, tag });
      try {
        await cp(new URL("../../docker/nginx/", import.meta.url), folder, { recursive: true });
        await nameImage(GATEWAY_IMAGE);
        const source = new GatewaySource(folder);
        await ensureGateway(world.docker, config, source);
        const made = (await inspect()).Id;
        await appendFile(join(folder, "nginx.conf"), "# a later version of it\n");
        await nameImage("slipway/tools:1");
        expect(await ensureGateway(world.docker, config, source)).toEqual({ actions: [] });
        expect((await inspect()).Id).toBe(made);
        await expectRoutes();

        await world.docker.getContainer(name()).remove({ force: true });
        expect(await ensureGateway(world.docker, config, source)).toEqual({
          actions: [`created and started ${name()}`],
        });
        await expectRoutes();

        await nameImage(GATEWAY_IMAGE);
        const { actions } = await ensureGateway(world.docker, config, new GatewaySource(folder));
        expect(actions).toEqual([`replaced ${name()}: its configuration changed`]);
        await expectRoutes();
      } finally {
        await ensureGateway(world.docker, world.config);
        await world.docker.getImage(config.image).remove();
        await rm(folder, { recursive: true });
      }
    },
  );

  test("whose settings changed is made anew, and knows the routes", async () => {
    const config = { ...world.config, baseDomain: "apps.example.com" };
    const { actions } = await ensureGateway(world.docker, config);
    expect(actions).toEqual([`replaced ${name()}: its configuration changed`]);
    expect((await ask(PORT, "/", { host: "dev--shopaaaa.apps.example.com" })).status).toBe(200);
    expect((await ask(PORT, "/", { host: "dev--shopaaaa.localhost" })).status).toBe(404);
    await ensureGateway(world.docker, world.config);
    await expectRoutes();
  });

  longTest(
    "whose replacement is on its way serves until it must stop, and is away for a moment only",
    async () => {
      let down = 0;
      let longestMs = 0;
      let going = true;
      const asking = (async () => {
        let lastAnswer = performance.now();
        while (going) {
          const answered = await ask(PORT, `/projects/${SHOP}/dev/`).then(
            ({ status }) => status === 200,
            () => false,
          );
          if (!answered) down += 1;
          else lastAnswer = performance.now();
          longestMs = Math.max(longestMs, performance.now() - lastAnswer);
        }
      })();
      await ensureGateway(world.docker, { ...world.config, hosts: ["another.example.com"] });
      going = false;
      await asking;
      expect(down).toBeGreaterThan(0);
      expect(longestMs).toBeLessThan(15_000);
      if (process.env.SLIPWAY_MEASURE)
        process.stderr.write(`replacing the gateway: ${Math.round(longestMs)} ms\n`);
      await ensureGateway(world.docker, world.config);
      await expectRoutes();
    },
  );

  longTest("that is taken away while it starts is made again at once", async () => {
    const events = (await world.docker.getEvents({
      filters: { event: ["start"], container: [name()] },
    })) as Readable;
    const removed = once(events, "data").then(async () => {
      events.destroy();
      await world.docker.getContainer(name()).remove({ force: true });
    });
    await world.docker.getContainer(name()).remove({ force: true });
    const started = performance.now();
    const { actions } = await ensureGateway(world.docker, world.config);
    await removed;
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(actions.filter((action) => action.startsWith("created and started"))).not.toEqual([]);
    await ensureGateway(world.docker, world.config);
    await expectRoutes();
  });

  test("whose journal was torn and smeared keeps every whole record", async () => {
    const journal = join(gatewayPaths(world.config.dataDir).state, "routes.journal");
    await world.docker.getContainer(name()).stop({ t: 10 });
    await appendFile(
      journal,
      `\nput {"namespace":"../../etc"}\n\nrubbish\n\nput {"namespace":"${SHOP}","version":99`,
    );
    await ensureGateway(world.docker, world.config);
    await expectRoutes();
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
    await world.docker.getContainer(name()).restart({ t: 10 });
    await ensureGateway(world.docker, world.config);
    await expectRoutes();
  });

  test("cannot listen where something else does, and says so", async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, "127.0.0.1", () => resolve((blocker.address() as { port: number }).port));
    });
    try {
      await expect(ensureGateway(world.docker, { ...world.config, httpPort: port })).rejects.toMatchObject({
        data: {
          code: "setup",
          message: `The gateway cannot listen on 127.0.0.1:${port}: something else does.`,
        },
      });
    } finally {
      await new Promise((resolve) => blocker.close(resolve));
    }
    await ensureGateway(world.docker, world.config);
    await expectRoutes();
  });

  test("without its image says what to do", async () => {
    await expect(
      ensureGateway(world.docker, { ...world.config, image: "slipway/nosuch:1" }),
    ).rejects.toMatchObject({
      data: { code: "setup", hint: "Build it: slipway up" },
    });
    await expectRoutes();
  });
});

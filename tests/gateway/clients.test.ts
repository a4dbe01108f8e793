import { once } from "node:events";
import http from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectRoutesInput, RouteSettings } from "../../core/routes.ts";
import { ensureGateway } from "../../worker/gateway/ensure.ts";
import { ask } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/** Who a client is: by its own address, or by what a load balancer that is trusted says of it. */

const PORT = 28_094;
const SHOP = "project_1700000000095_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;

let world: World;
let shop: Upstream;

beforeAll(async () => {
  // Clients on the host come from the bridge's own address: here it stands for a load balancer.
  world = await World.start("gwclie23", PORT, "10.249.11", { trustedProxies: ["10.249.11.0/28"] });
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function push(settings: RouteSettings, limits: ProjectRoutesInput["limits"] = {}): Promise<void> {
  const routes = routesTo(SHOP, { dev: [shop] }, { limits });
  routes.environments.dev!.services[0]!.settings = settings;
  await world.gateway.pushProject(routes);
}

const from = (client: string, more: Record<string, string> = {}) => ({
  headers: { "x-forwarded-for": client, ...more },
});

describe("behind a load balancer that is trusted", () => {
  test("allow-lists see the client that it speaks of", async () => {
    await push({ allowIps: ["203.0.113.0/24"] });
    expect((await ask(PORT, `${AT_SHOP}/`, from("203.0.113.9"))).status).toBe(200);
    expect((await ask(PORT, `${AT_SHOP}/`, from("198.51.100.9"))).status).toBe(403);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(403);
  });

  test("what the client itself claims before that counts for nothing", async () => {
    await push({ allowIps: ["203.0.113.0/24"] });
    expect((await ask(PORT, `${AT_SHOP}/`, from("203.0.113.9, 198.51.100.9"))).status).toBe(403);
    expect((await ask(PORT, `${AT_SHOP}/`, from("198.51.100.9, 203.0.113.9"))).status).toBe(200);
    expect((await ask(PORT, `${AT_SHOP}/`, from("nonsense"))).status).toBe(403);
  });

  test("rates are of that client, and containers are told of it and of its scheme", async () => {
    await push({}, { client: { perSecond: 0.1, burst: 0 } });
    expect((await ask(PORT, `${AT_SHOP}/`, from("203.0.113.21"))).status).toBe(200);
    expect((await ask(PORT, `${AT_SHOP}/`, from("203.0.113.21"))).status).toBe(429);
    const other = await ask(PORT, `${AT_SHOP}/`, from("203.0.113.22", { "x-forwarded-proto": "https" }));
    const { headers } = JSON.parse(other.body) as { headers: Record<string, string> };
    expect(headers).toMatchObject({
      "x-forwarded-for": "203.0.113.22",
      "x-real-ip": "203.0.113.22",
      "x-forwarded-proto": "https",
    });
  });
});

describe("a project that bounds a client's connections", () => {
  const held: http.ClientRequest[] = [];
  const letGo = (request: http.ClientRequest) => {
    if (held.includes(request)) held.splice(held.indexOf(request), 1);
    request.destroy();
  };
  const hold = async (client: string) => {
    const request = http.get({
      port: PORT,
      host: "127.0.0.1",
      path: `${AT_SHOP}/hang`,
      agent: false,
      ...from(client),
    });
    request.on("error", () => undefined);
    // One that is answered all the same (a machine so busy that the container is not reached in time) is not held.
    request.on("response", () => letGo(request));
    held.push(request);
    await once(request, "finish");
  };

  test("turns away what is too much, of that client alone, until another one ends", async () => {
    await push({}, { connections: 3 });
    const status = async (client: string) => (await ask(PORT, `${AT_SHOP}/`, from(client))).status;
    const statusWithThree = async () => {
      while (held.length < 3) await hold("203.0.113.31");
      return await status("203.0.113.31");
    };
    await expect.poll(statusWithThree, { timeout: 60_000 }).toBe(429);
    expect(await status("203.0.113.32")).toBe(200);
    const refused = await ask(PORT, `${AT_SHOP}/`, from("203.0.113.31"));
    expect(refused.headers["retry-after"]).toBe("1");
    letGo(held[0]!);
    await expect.poll(() => status("203.0.113.31"), { timeout: 20_000 }).toBe(200);
    for (const request of [...held]) letGo(request);
  });
});

test("without a load balancer that is trusted nobody is believed", async () => {
  await ensureGateway(world.docker, { ...world.config, trustedProxies: [] });
  await push({ allowIps: ["203.0.113.0/24"] });
  expect((await ask(PORT, `${AT_SHOP}/`, from("203.0.113.9"))).status).toBe(403);
});

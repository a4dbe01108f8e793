import { appendFile, readFile, readdir, stat } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectRoutesInput, RouteSettings } from "../../core/routes.ts";
import { basicAuthUser } from "../../worker/gateway/basicAuth.ts";
import { gatewayName, gatewayPaths } from "../../worker/gateway/config.ts";
import { longTest } from "../long.ts";
import { ask, speak } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/** What the gateway keeps out, and what it says then. */

const PORT = 28_083;
const SHOP = "project_1700000000021_shopaaaa";
const BLOG = "project_1700000000022_blogbbbb";
const AT_SHOP = `/projects/${SHOP}/dev`;
const AT_BLOG = `/projects/${BLOG}/dev`;

let world: World;
let shop: Upstream;
let spare: Upstream;
let blog: Upstream;

beforeAll(async () => {
  world = await World.start("gwprot23", PORT, "10.249.4");
  const network = await world.network(SHOP, "dev");
  shop = await world.upstream("shop", [network]);
  spare = await world.upstream("spare", [network]);
  blog = await world.upstream("blog", [await world.network(BLOG, "dev")]);
  await world.gateway.pushAll([routesTo(SHOP, { dev: [shop] }), routesTo(BLOG, { dev: [blog] })]);
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function shopWith(settings: RouteSettings, upstreams = [shop], limits?: ProjectRoutesInput["limits"]) {
  await world.gateway.pushProject(
    routesTo(
      SHOP,
      {},
      {
        limits,
        environments: {
          dev: {
            state: "serving",
            services: [
              {
                service: "app",
                prefix: "/",
                upstreams: upstreams.map(({ address, port }) => ({ address, port })),
                settings,
              },
            ],
          },
        },
      },
    ),
  );
}

describe("a rate limit", () => {
  test("of a client answers 429 with Retry-After, and leaves other projects alone", async () => {
    await shopWith({}, [shop], { client: { perSecond: 0.2, burst: 2 } });
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await ask(PORT, `${AT_SHOP}/`)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await ask(PORT, `${AT_SHOP}/`);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(4);
    expect(refused.body).toContain("Too many requests");
    expect((await ask(PORT, `${AT_BLOG}/`)).status).toBe(200);
  });

  test("of a project counts all its clients and environments", async () => {
    await shopWith({}, [shop], { project: { perSecond: 0.2, burst: 0 } });
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(429);
    expect((await ask(PORT, "/", { host: `dev--shopaaaa.localhost` })).status).toBe(429);
    await shopWith({});
  });

  test("does not count the worker's proofs", async () => {
    await shopWith({}, [shop], { project: { perSecond: 0.2, burst: 0 } });
    for (let count = 0; count < 3; count += 1) {
      expect(await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" })).toMatchObject({
        status: 200,
      });
    }
    await shopWith({});
  });

  test("bounds how many requests of one client are in progress at once", async () => {
    const MOST = 2048;
    const agent = new http.Agent({ keepAlive: false, maxSockets: Infinity });
    const hanging: http.ClientRequest[] = [];
    const over = await new Promise<unknown>((resolve, reject) => {
      for (let count = 0; count <= MOST; count += 1) {
        const request = http.get(
          { host: "127.0.0.1", port: PORT, path: `${AT_SHOP}/hang`, agent },
          ({ statusCode, headers }) => resolve([statusCode, headers["retry-after"]]),
        );
        request.on("error", (error) => (request.destroyed ? undefined : reject(error)));
        hanging.push(request);
      }
    });
    expect(over).toEqual([429, "1"]);
    expect((await ask(PORT, `${AT_BLOG}/`)).status).toBe(200);
    for (const request of hanging) request.destroy();
    await expect.poll(async () => (await ask(PORT, `${AT_SHOP}/`)).status, { timeout: 10_000 }).toBe(200);
  });
});

describe("a typed setting", () => {
  test("bounds bodies of known length exactly", async () => {
    await shopWith({ maxBodyBytes: 1000 });
    const post = (bytes: number) =>
      ask(PORT, `${AT_SHOP}/upload`, { method: "POST", body: "x".repeat(bytes) });
    expect((await post(1000)).status).toBe(200);
    expect(await post(1001)).toMatchObject({
      status: 413,
      body: expect.stringContaining("The body is too large"),
    });
  });

  test("bounds bodies of unknown length while they pass", async () => {
    async function* pieces(count: number) {
      for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(64 * 1024);
    }
    const post = (count: number) =>
      ask(PORT, `${AT_SHOP}/upload`, {
        method: "POST",
        headers: { "transfer-encoding": "chunked" },
        body: pieces(count),
      }).then(
        ({ status }) => status,
        () => "cut off",
      );
    expect(await post(8)).toBe(200);
    expect([413, "cut off"]).toContain(await post(64));
  });

  test("lets in certain addresses only", async () => {
    await shopWith({ allowIps: ["192.0.2.0/24"] });
    expect(await ask(PORT, `${AT_SHOP}/`)).toMatchObject({
      status: 403,
      body: expect.stringContaining("Not from this address"),
    });
    await shopWith({ allowIps: ["192.0.2.0/24", "10.249.4.0/28"] });
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
  });

  test("asks for a password", async () => {
    await shopWith({ basicAuth: [await basicAuthUser("ann", "open sesame")] });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const asked = await ask(PORT, `${AT_SHOP}/`);
    expect(asked).toMatchObject({
      status: 401,
      headers: { "www-authenticate": 'Basic realm="Slipway", charset="UTF-8"' },
    });
    expect((await ask(PORT, `${AT_SHOP}/`, { headers: basic("ann:wrong") })).status).toBe(401);
    expect((await ask(PORT, `${AT_SHOP}/`, { headers: basic("ann:open sesame") })).status).toBe(200);
  });

  test("redirects, and sets headers", async () => {
    await shopWith({
      redirects: [
        { from: "/old", to: "/new?a=b", status: 301 },
        { from: "/away", to: "https://example.com/", status: 302 },
      ],
      responseHeaders: { "X-Frame-Options": "DENY", "X-Extra": "yes" },
    });
    expect(await ask(PORT, `${AT_SHOP}/old`)).toMatchObject({
      status: 301,
      headers: { location: `${AT_SHOP}/new?a=b` },
    });
    expect(await ask(PORT, `${AT_SHOP}/away`)).toMatchObject({
      status: 302,
      headers: { location: "https://example.com/" },
    });
    expect((await ask(PORT, `${AT_SHOP}/`)).headers).toMatchObject({
      "x-frame-options": "DENY",
      "x-extra": "yes",
    });
  });

  test("bounds how long a container may take", async () => {
    await shopWith({ readTimeoutMs: 200 });
    expect(await ask(PORT, `${AT_SHOP}/hang`)).toMatchObject({
      status: 504,
      body: expect.stringContaining("The container took too long"),
    });
    await shopWith({});
  });
});

describe("a container that fails", () => {
  test("in the middle of a request gets a page, and the next request is fine", async () => {
    expect(await ask(PORT, `${AT_SHOP}/break`)).toMatchObject({
      status: 502,
      headers: { "retry-after": "2" },
      body: expect.stringContaining("The container did not answer"),
    });
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
  });

  test("leaves GETs to the other one, and gets no POST twice", async () => {
    await shopWith({}, [shop, spare]);
    expect((await ask(PORT, `${AT_SHOP}/break`, { method: "POST", body: "once" })).status).toBe(502);
    const posts = [];
    for (const upstream of [shop, spare]) {
      await shopWith({}, [upstream]);
      posts.push((JSON.parse((await ask(PORT, `${AT_SHOP}/posts`)).body) as { posts: number }).posts);
    }
    await shopWith({}, [shop, spare]);
    expect(posts.reduce((sum, count) => sum + count, 0)).toBe(1);

    await world.docker.getContainer(spare.id).kill();
    for (let count = 0; count < 20; count += 1) expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
    for (let count = 0; count < 20; count += 1) {
      expect((await ask(PORT, `${AT_SHOP}/upload`, { method: "POST", body: "x" })).status).toBe(200);
    }
    await shopWith({});
  });
});

describe("headers", () => {
  test("protect by default, leave the app its own, and name no server", async () => {
    const host = "dev--shopaaaa.localhost";
    const { headers } = await ask(PORT, "/", { host });
    expect(headers).toMatchObject({
      "x-frame-options": "SAMEORIGIN",
      "x-content-type-options": "nosniff",
      "referrer-policy": "strict-origin-when-cross-origin",
    });
    expect(headers.server).toBeUndefined();
    expect(headers["content-security-policy"]).toBeUndefined();
    expect(headers["strict-transport-security"]).toBeUndefined();
    const own = await ask(
      PORT,
      "/headers?Referrer-Policy=no-referrer&Content-Security-Policy=default-src&Server=mine",
      { host },
    );
    expect(own.headers).toMatchObject({
      "referrer-policy": "no-referrer",
      "content-security-policy": "default-src",
    });
    expect(own.headers.server).toBeUndefined();
  });

  test("are on the gateway's own pages, too", async () => {
    for (const path of ["/", "/nothing", `${AT_SHOP}/../x`]) {
      expect((await ask(PORT, path)).headers).toMatchObject({ "x-content-type-options": "nosniff" });
    }
  });
});

describe("a request that could be read in two ways", () => {
  const head = (line: string, ...headers: string[]) =>
    [line, "Host: localhost", ...headers, "Connection: close", "", ""].join("\r\n");
  const status = (heard: string) => Number(/^HTTP\/1\.[01] (\d{3})/.exec(heard)?.[1] ?? 0);

  test.each([
    [
      "has two lengths",
      head(`POST ${AT_SHOP}/ HTTP/1.1`, "Content-Length: 4", "Content-Length: 5") + "abcde",
    ],
    [
      "has a length and chunks",
      head(`POST ${AT_SHOP}/ HTTP/1.1`, "Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\n",
    ],
    [
      "has an unknown transfer encoding",
      head(`POST ${AT_SHOP}/ HTTP/1.1`, "Transfer-Encoding: xchunked") + "0\r\n\r\n",
    ],
    ["has a space before a colon", head(`GET ${AT_SHOP}/ HTTP/1.1`, "Content-Length : 4")],
    ["has no host", `GET ${AT_SHOP}/ HTTP/1.1\r\nConnection: close\r\n\r\n`],
    ["has two hosts", head(`GET ${AT_SHOP}/ HTTP/1.1`, "Host: other")],
    [
      "has a bad chunk",
      head(`POST ${AT_SHOP}/upload HTTP/1.1`, "Transfer-Encoding: chunked") + "zz\r\nabc\r\n0\r\n\r\n",
    ],
    ["has a space in its path", head(`GET ${AT_SHOP}/a b HTTP/1.1`)],
    ["has a negative length", head(`POST ${AT_SHOP}/ HTTP/1.1`, "Content-Length: -1")],
    ["has a broken percent sign", head(`GET ${AT_SHOP}/%zz HTTP/1.1`)],
    ["has a NUL in its path", head(`GET ${AT_SHOP}/%00 HTTP/1.1`)],
  ])("because it %s is refused and its connection closed", async (_what, bytes) => {
    const heard = await speak(PORT, bytes);
    expect([400, 501]).toContain(status(heard));
    expect(heard.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test("because its target names a host, too, goes by the target", async () => {
    const heard = await speak(PORT, head("GET http://evil.example/ HTTP/1.1"));
    expect(status(heard)).toBe(404);
    const own = await speak(
      PORT,
      `GET http://dev--blogbbbb.localhost${AT_SHOP}/ HTTP/1.1\r\nHost: dev--blogbbbb.localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(own).toContain('"name":"blog"');
  });

  test("because its header has an underscore loses it", async () => {
    const heard = await speak(
      PORT,
      head(`GET ${AT_SHOP}/ HTTP/1.1`, "X_Forwarded_For: 6.6.6.6", "X-Fine: yes"),
    );
    expect(heard).toContain('"x-fine":"yes"');
    expect(heard).not.toContain("6.6.6.6");
  });

  test.each(["TRACE", "CONNECT"])("because its method is %s ends here", async (method) => {
    const target = method === "CONNECT" ? "localhost:80" : `${AT_SHOP}/`;
    expect([400, 405]).toContain(status(await speak(PORT, head(`${method} ${target} HTTP/1.1`))));
  });

  test("because it is huge is refused with a page", async () => {
    expect((await ask(PORT, `${AT_SHOP}/${"x".repeat(40_000)}`)).status).toBe(414);
    const answer = await ask(PORT, `${AT_SHOP}/`, { headers: { cookie: "x".repeat(40_000) } });
    expect([400, 431, 494]).toContain(answer.status);
  });
});

describe("what is the gateway's own", () => {
  test.each([
    ["/.slipway/body/1g", 404],
    ["/.slipway/page", 404],
    ["/.slipway/", 404],
    // These are the dashboard's, which nobody serves here.
    ["/healthz", 503],
    ["/versions", 503],
    ["/routes", 503],
  ])("%s cannot be asked for", async (path, status) => {
    expect((await ask(PORT, path)).status).toBe(status);
    const headers = { "transfer-encoding": "chunked" };
    expect((await ask(PORT, path, { method: "POST", headers, body: "x" })).status).toBe(status);
  });

  test("door is closed to everybody but the worker and the gateway", async () => {
    const { state, door } = gatewayPaths(world.config.dataDir);
    for (const directory of [state, door]) expect((await stat(directory)).mode & 0o077).toBe(0);
  });

  test("container has nothing that it does not need", async () => {
    const { Config, HostConfig, State } = await world.docker
      .getContainer(gatewayName(world.instanceId))
      .inspect();
    expect(Config.User).not.toMatch(/^(?:0|root)?(?::|$)/);
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
    });
    expect(Object.values(HostConfig.PortBindings as object).flat()).toEqual([
      { HostIp: "127.0.0.1", HostPort: String(PORT) },
    ]);
    expect(State.Running).toBe(true);
  });

  test("health check passes", async () => {
    const health = async () =>
      (await world.docker.getContainer(gatewayName(world.instanceId)).inspect()).State.Health?.Status;
    await expect.poll(health, { timeout: 30_000, interval: 250 }).toBe("healthy");
  });

  test("log has each request, and no query string", async () => {
    const { body } = await ask(PORT, `${AT_SHOP}/logged?token=secret`);
    const { headers } = JSON.parse(body) as { headers: Record<string, string> };
    const log = () => readFile(gatewayPaths(world.config.dataDir).requestLog, "utf8");
    await expect.poll(log, { timeout: 10_000 }).toContain(`"path":"${AT_SHOP}/logged"`);
    expect(await log()).not.toContain("secret");
    expect(await log()).toContain(`"id":"${headers["x-request-id"]}"`);
  });

  longTest("log is set aside once it is full, and a few of those are kept", async () => {
    const { requestLog } = gatewayPaths(world.config.dataDir);
    const full = Buffer.alloc(16 * 1024 ** 2, "x".repeat(99) + "\n");
    for (const round of [1, 2, 3, 4, 5]) {
      await appendFile(requestLog, full);
      await ask(PORT, `${AT_SHOP}/round${round}`);
      const log = () => readFile(requestLog, "latin1").catch(() => "");
      await expect.poll(async () => (await log()).length, { timeout: 10_000 }).toBeLessThan(full.length);
      const ofLater = async () => {
        await ask(PORT, `${AT_SHOP}/after${round}`);
        return log();
      };
      await expect.poll(ofLater, { timeout: 10_000 }).toContain(`/after${round}"`);
    }
    expect((await readdir(dirname(requestLog))).sort()).toEqual(
      ["", ".1", ".2", ".3"].map((end) => `requests.log${end}`),
    );
  });
});

describe("slow clients", () => {
  longTest("do not keep others waiting, and are cut off", async () => {
    const slow = Array.from({ length: 500 }, () => {
      const socket = net.connect(PORT, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`GET ${AT_SHOP}/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: `);
      return socket;
    });
    try {
      await Promise.all(slow.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
      const started = performance.now();
      expect((await ask(PORT, `${AT_BLOG}/`)).status).toBe(200);
      expect(performance.now() - started).toBeLessThan(1_000);
      await Promise.all(
        slow.map((socket) => socket.resume() && new Promise((resolve) => socket.once("close", resolve))),
      );
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });
});

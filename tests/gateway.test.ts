import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { ROUTE_STATES, type EnvironmentRoute, type RouteState } from "../core/routes.ts";
import { ask } from "./gateway/client.ts";
import { nextVersion, routesTo, slugOf, World, type Upstream } from "./gateway/world.ts";

/** What people and programs meet at the gateway: which container answers, and how its answer is mended. */

const PORT = 28_080;
const SHOP = "project_1700000000001_shopaaaa";
const BLOG = "project_1700000000002_blogbbbb";
const AT_SHOP = `/projects/${SHOP}/dev`;
const SHOP_HOST = `dev--${slugOf(SHOP)}.localhost`;

let world: World;
let shop: Upstream;
let api: Upstream;
let blog: Upstream;

beforeAll(async () => {
  world = await World.start("gwtest23", PORT, "10.249.1");
  const network = await world.network(SHOP, "dev");
  shop = await world.upstream("shop", [network]);
  api = await world.upstream("shop-api", [network]);
  blog = await world.upstream("blog", [await world.network(BLOG, "dev")]);
  await world.gateway.pushAll([
    routesTo(SHOP, { dev: [shop] }),
    routesTo(BLOG, { dev: [blog] }, { domains: [{ name: "blog.example.com", environment: "dev" }] }),
  ]);
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

/** What `upstream.mjs` was asked. */
async function seen(path: string, options?: Parameters<typeof ask>[2]) {
  const answer = await ask(PORT, path, options);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body) as { name: string; url: string; headers: Record<string, string> };
}

function shopServices(services: EnvironmentRoute["services"] | object[]) {
  return world.gateway.pushProject(
    routesTo(SHOP, {}, { environments: { dev: { state: "serving", services: services as never } } }),
  );
}

describe("a path", () => {
  test("leads to its own project, where both have the same service and port", async () => {
    expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: "shop" });
    expect(await seen(`/projects/${BLOG}/dev/`)).toMatchObject({ name: "blog" });
  });

  test("reaches the container without its prefix and otherwise byte by byte", async () => {
    for (const rest of [
      "/",
      "/a%2Fb",
      "//double//slash",
      "/%C3%A9?q=%20&q=a+b",
      "/a;b=c/%41",
      "/..a/b..",
      "/?",
    ]) {
      expect((await seen(AT_SHOP + rest)).url).toBe(rest);
    }
  });

  test("is told in X-Forwarded-*, which the client cannot make up", async () => {
    const { headers } = await seen(`${AT_SHOP}/x`, {
      headers: {
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-prefix": "/evil",
        "x-forwarded-proto": "https",
        "x-real-ip": "6.6.6.6",
        forwarded: "for=6.6.6.6",
        "x-original-url": "/admin",
        "x-rewrite-url": "/admin",
        proxy: "evil",
      },
    });
    expect(headers).toMatchObject({
      host: `127.0.0.1:${PORT}`,
      "x-forwarded-prefix": AT_SHOP,
      "x-forwarded-proto": "http",
      "x-forwarded-host": `127.0.0.1:${PORT}`,
      "x-forwarded-port": String(PORT),
      "x-request-id": expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(headers["x-forwarded-for"]).toBe(headers["x-real-ip"]);
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|evil|admin/);
  });

  test("without its slash is redirected to it, relative to wherever the gateway is", async () => {
    const answer = await ask(PORT, `${AT_SHOP}?a=b`);
    expect(answer).toMatchObject({ status: 308, headers: { location: `${AT_SHOP}/?a=b` } });
  });

  test.each([
    ["of no project", "/projects/project_1700000000009_nosuchxx/dev/"],
    ["of a namespace in other letters", `/projects/${SHOP.toUpperCase()}/dev/`],
    ["that is encoded where it names the project", `/projects/${SHOP.replace("_", "%5f")}/dev/`],
    ["of no environment", `/projects/${SHOP}/`],
    ["of no project at all", "/projects/"],
  ])("%s is not found", async (_what, path) => {
    expect(await ask(PORT, path)).toMatchObject({
      status: 404,
      body: expect.stringContaining("Nothing is here"),
    });
  });

  test.each(["/../", "/a/../b", "/%2e%2e/", "/a/%2E%2e/", "/./", "/a/..", "/a\\..\\b"])(
    "with the dot segments of %s is refused",
    async (rest) => {
      expect((await ask(PORT, AT_SHOP + rest)).status).toBe(400);
    },
  );

  test("of an environment that the project does not have says so", async () => {
    expect(await ask(PORT, `/projects/${SHOP}/deploy/`)).toMatchObject({
      status: 404,
      body: expect.stringContaining("There is no such environment now"),
    });
  });
});

describe("a host", () => {
  test("of the form <environment>--<slug>.<base domain> is an environment's own, with nothing stripped", async () => {
    const path = `/projects/${BLOG}/dev/`;
    const request = await seen(path, { host: `${SHOP_HOST}:${PORT}` });
    expect(request).toMatchObject({ name: "shop", url: path });
    expect(request.headers["x-forwarded-prefix"]).toBeUndefined();
  });

  test("of the project's own leads to the environment that it names", async () => {
    expect(await seen("/", { host: "blog.example.com" })).toMatchObject({ name: "blog" });
    expect(await seen("/", { host: "BLOG.example.com.:8080" })).toMatchObject({ name: "blog" });
  });

  test.each(["example.com", "evil.blog.example.com", "dev--nosuch.localhost", "192.0.2.7", "xlocalhost"])(
    "%s that nobody has gets 404 and nothing else",
    async (host) => {
      const answer = await ask(PORT, `${AT_SHOP}/`, { host });
      expect(answer).toMatchObject({ status: 404, body: "" });
    },
  );

  test("that another project has cannot be had twice, and its owner stays unnamed", async () => {
    const claim = routesTo(
      SHOP,
      { dev: [shop] },
      { domains: [{ name: "blog.example.com", environment: "dev" }] },
    );
    const refused = world.gateway.pushProject(claim);
    await expect(refused).rejects.toMatchObject({ kind: "taken", data: { code: "name_taken" } });
    await expect(refused).rejects.not.toThrow(BLOG);
    await expect(refused).rejects.not.toThrow(slugOf(BLOG));
    expect(await seen("/", { host: "blog.example.com" })).toMatchObject({ name: "blog" });
    expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: "shop" });
  });
});

describe("several services", () => {
  const services = (strip: boolean) => [
    { service: "web", prefix: "/", upstreams: [{ address: shop.address, port: shop.port }] },
    {
      service: "api",
      prefix: "/api",
      stripPrefix: strip,
      upstreams: [{ address: api.address, port: api.port }],
    },
  ];

  test("share an environment by prefix, the longest wins", async () => {
    await shopServices(services(false));
    expect(await seen(`${AT_SHOP}/api`)).toMatchObject({ name: "shop-api", url: "/api" });
    expect(await seen(`${AT_SHOP}/api/users?a=b`)).toMatchObject({ name: "shop-api", url: "/api/users?a=b" });
    expect(await seen(`${AT_SHOP}/apis`)).toMatchObject({ name: "shop", url: "/apis" });
    expect(await seen("/api/x", { host: SHOP_HOST })).toMatchObject({ name: "shop-api", url: "/api/x" });
  });

  test("may have their prefix stripped, and are told of it", async () => {
    await shopServices(services(true));
    expect(await seen(`${AT_SHOP}/api`)).toMatchObject({ name: "shop-api", url: "/" });
    expect(await seen(`${AT_SHOP}/api/users`)).toMatchObject({
      url: "/users",
      headers: { "x-forwarded-prefix": `${AT_SHOP}/api` },
    });
    expect(await seen("/api/users", { host: SHOP_HOST })).toMatchObject({
      url: "/users",
      headers: { "x-forwarded-prefix": "/api" },
    });
  });

  test("leave a path that none of them holds to a page", async () => {
    await shopServices(services(false).slice(1));
    expect(await ask(PORT, `${AT_SHOP}/other`)).toMatchObject({
      status: 404,
      body: expect.stringContaining("No service answers this path"),
    });
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
  });
});

describe("an answer", () => {
  const redirect = async (to: string, host?: string) => {
    const at = host ? "" : AT_SHOP;
    const answer = await ask(PORT, `${at}/redirect?to=${encodeURIComponent(to)}`, host ? { host } : {});
    return answer.headers.location;
  };

  test("that redirects stays below the project's path", async () => {
    expect(await redirect("/login?next=/")).toBe(`${AT_SHOP}/login?next=/`);
    expect(await redirect(`http://127.0.0.1:${PORT}/login`)).toBe(`http://127.0.0.1:${PORT}${AT_SHOP}/login`);
    expect(await redirect(`${AT_SHOP}/knows`)).toBe(`${AT_SHOP}/knows`);
    expect(await redirect("next")).toBe("next");
    expect(await redirect("https://example.com/login")).toBe("https://example.com/login");
    expect(await redirect("/login", SHOP_HOST)).toBe("/login");
  });

  test("that sets cookies sets them for the project alone", async () => {
    const set = ["a=1; Path=/; HttpOnly", "b=2", "c=3; Domain=localhost; Path=/x"];
    const query = set.map((cookie) => `set=${encodeURIComponent(cookie)}`).join("&");
    expect((await ask(PORT, `${AT_SHOP}/cookies?${query}`)).headers["set-cookie"]).toEqual([
      `a=1; Path=${AT_SHOP}/; HttpOnly`,
      "b=2",
      `c=3; Path=${AT_SHOP}/x`,
    ]);
    expect((await ask(PORT, `/cookies?${query}`, { host: SHOP_HOST })).headers["set-cookie"]).toEqual([
      "a=1; Path=/; HttpOnly",
      "b=2",
      "c=3; Path=/x",
    ]);
  });

  test("cannot steer the gateway", async () => {
    const answer = await ask(
      PORT,
      `${AT_SHOP}/headers?X-Accel-Redirect=/projects/${BLOG}/dev/&X-Slipway-Route=fake`,
    );
    expect(JSON.parse(answer.body)).toEqual({ name: "shop" });
    expect(answer.headers["x-slipway-route"]).toBeUndefined();
  });

  test("with an error of the app's own is left as it is", async () => {
    const answer = await ask(PORT, `${AT_SHOP}/status?code=502`);
    expect(answer).toMatchObject({ status: 502, body: JSON.stringify({ name: "shop" }) });
  });
});

describe("what flows", () => {
  test("WebSockets, both ways", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${PORT}${AT_SHOP}/chat?room=1`);
    const heard: string[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (message) => {
        heard.push(String(message));
        if (heard.length === 1) socket.send("hello");
        else resolve();
      });
    });
    socket.close();
    expect(heard).toEqual([JSON.stringify({ name: "shop", url: "/chat?room=1" }), "HELLO"]);
  });

  test("no other upgrade", async () => {
    const { headers } = await seen(`${AT_SHOP}/`, { headers: { connection: "upgrade", upgrade: "h2c" } });
    expect(headers.upgrade).toBeUndefined();
    expect(headers.connection).not.toBe("upgrade");
  });

  test("server-sent events, each as it is sent", async () => {
    const response = await fetch(world.url(`${AT_SHOP}/events`), { signal: AbortSignal.timeout(20_000) });
    const heard: string[] = [];
    for await (const chunk of response.body ?? []) {
      heard.push(Buffer.from(chunk as Uint8Array).toString());
      if (heard.length === 1) await ask(PORT, `${AT_SHOP}/release`);
    }
    expect(heard).toEqual(["data: first\n\n", "data: second\n\n"]);
  });

  test.each([
    ["of known length", { "content-length": String(48 * 1024 ** 2) }],
    ["of unknown length", { "transfer-encoding": "chunked" }],
  ])("a large upload %s, whole", async (_what, headers) => {
    const piece = Buffer.alloc(1024 ** 2, "slipway ");
    async function* pieces() {
      for (let count = 0; count < 48; count += 1) yield piece;
    }
    const answer = await ask(PORT, `${AT_SHOP}/upload`, { method: "POST", headers, body: pieces() });
    expect(JSON.parse(answer.body)).toMatchObject({ bytes: 48 * 1024 ** 2 });
  });
});

describe("an environment that does not serve", () => {
  const shows: Record<
    Exclude<RouteState, "serving">,
    { status: number; title: string; retryAfter?: string }
  > = {
    paused: { status: 503, title: "This project is paused", retryAfter: "60" },
    hibernated: { status: 503, title: "This environment is hibernated", retryAfter: "60" },
    starting: { status: 503, title: "This environment is starting", retryAfter: "2" },
    failed: { status: 503, title: "This environment has failed", retryAfter: "60" },
    absent: { status: 404, title: "There is no such environment now" },
  };

  test.each(ROUTE_STATES.filter((state) => state !== "serving"))(
    "because it is %s shows a page that says so",
    async (state) => {
      await world.gateway.pushProject(
        routesTo(
          SHOP,
          {},
          { environments: { dev: { state, message: "Because <b>we</b> said so.", services: [] } } },
        ),
      );
      for (const [path, host] of [[`${AT_SHOP}/any/path`], [AT_SHOP], ["/", SHOP_HOST]] as const) {
        const answer = await ask(PORT, path, { host });
        expect(answer.status).toBe(shows[state].status);
        expect(answer.body).toContain(shows[state].title);
        expect(answer.body).toContain("Because &lt;b&gt;we&lt;/b&gt; said so.");
        expect(answer.headers["retry-after"]).toBe(shows[state].retryAfter);
        expect(answer.headers["cache-control"]).toBe("no-store");
      }
      const forPrograms = await ask(PORT, `${AT_SHOP}/`, { headers: { accept: "application/json" } });
      expect(JSON.parse(forPrograms.body)).toMatchObject({ error: { code: state } });
      expect((await ask(PORT, `${AT_SHOP}/`, { method: "HEAD" })).body).toBe("");
    },
  );

  test("for want of a container says that, and serves again with one", async () => {
    await world.gateway.pushProject(routesTo(SHOP, { dev: [] }));
    expect(await ask(PORT, `${AT_SHOP}/`)).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
    expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: "shop" });
  });
});

describe("a push", () => {
  test("answers from the instant it is taken over, at its version", async () => {
    for (const upstream of [api, shop, api, shop]) {
      const routes = routesTo(SHOP, { dev: [upstream] });
      expect(await world.gateway.pushProject(routes)).toBe(routes.version);
      expect(await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" })).toEqual({
        version: routes.version,
        status: 200,
        upstream: `${upstream.address}:${upstream.port}`,
      });
      expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: upstream.name });
      expect((await world.gateway.answeringVersions()).get(SHOP)).toBe(routes.version);
    }
  });

  test("is proven by whoever answers, whatever it answers and whomever its settings keep out", async () => {
    const upstream = `${shop.address}:${shop.port}`;
    const password = { user: "anna", saltHex: "ab".repeat(16), hashHex: "cd".repeat(32), iterations: 1000 };
    const redirects = [{ from: "/", to: "/elsewhere" }];
    const settings = { basicAuth: [password], allowIps: ["192.0.2.0/24"], redirects };
    const upstreams = [{ address: shop.address, port: shop.port }];
    await shopServices([{ service: "app", prefix: "/", settings, upstreams }]);
    const prove = (path: string) => world.gateway.proveRoute({ namespace: SHOP, environment: "dev", path });
    expect(await prove("/")).toMatchObject({ status: 200, upstream });
    expect(await prove("/status?code=502")).toMatchObject({ status: 502, upstream });
    expect(await prove("/events")).toMatchObject({ status: 200, upstream });
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(403);
    await shopServices([{ service: "app", prefix: "/", settings: { redirects }, upstreams }]);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(308);
  });

  test("is proven by nobody where no container answers, though the gateway does", async () => {
    const closed = { address: shop.address, port: 1 };
    await shopServices([{ service: "app", prefix: "/", upstreams: [closed] }]);
    const prove = (path: string) => world.gateway.proveRoute({ namespace: SHOP, environment: "dev", path });
    expect(await prove("/")).toMatchObject({ version: expect.any(Number), status: 502, upstream: null });
    await shopServices([{ service: "app", prefix: "/", upstreams: [] }]);
    expect(await prove("/")).toMatchObject({ version: expect.any(Number), status: 503, upstream: null });
    const open = { address: shop.address, port: shop.port };
    const breaks = { service: "app", prefix: "/", upstreams: [open], settings: { readTimeoutMs: 100 } };
    await shopServices([breaks]);
    expect(await prove("/hang")).toMatchObject({ status: 504, upstream: null });
    await shopServices([{ ...breaks, upstreams: [closed, open] }]);
    expect(await prove("/")).toMatchObject({ status: 200, upstream: `${open.address}:${open.port}` });
    await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
  });

  test("that is older than what answers is refused; the same again is fine", async () => {
    const [older, newer] = [routesTo(SHOP, { dev: [api] }), routesTo(SHOP, { dev: [shop] })];
    await world.gateway.pushProject(newer);
    await expect(world.gateway.pushProject(older)).rejects.toMatchObject({ kind: "stale" });
    expect(await world.gateway.pushProject(newer)).toBe(newer.version);
    await expect(world.gateway.pushProject({ ...older, version: newer.version })).rejects.toMatchObject({
      kind: "stale",
    });
    expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: "shop" });
  });

  test("of all replaces all", async () => {
    const [one, two] = [routesTo(SHOP, { dev: [shop] }), routesTo(BLOG, { dev: [blog] })];
    await world.gateway.pushAll([two]);
    expect([...(await world.gateway.answeringVersions())]).toEqual([[BLOG, two.version]]);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(404);
    expect((await ask(PORT, "/", { host: "blog.example.com" })).status).toBe(404);
    await world.gateway.pushAll([one, two]);
    expect(await seen(`${AT_SHOP}/`)).toMatchObject({ name: "shop" });
  });

  test("of all in which two claim one name is refused whole", async () => {
    const before = await world.gateway.answeringVersions();
    const domains = [{ name: "same.example.com", environment: "dev" as const }];
    await expect(
      world.gateway.pushAll([
        routesTo(SHOP, { dev: [shop] }, { domains }),
        routesTo(BLOG, { dev: [blog] }, { domains }),
      ]),
    ).rejects.toMatchObject({ kind: "taken" });
    expect(await world.gateway.answeringVersions()).toEqual(before);
  });

  test("may hand a slug from one project to another", async () => {
    await world.gateway.pushAll([
      routesTo(SHOP, { dev: [shop] }, { slug: slugOf(BLOG) }),
      routesTo(BLOG, { dev: [blog] }, { slug: slugOf(SHOP) }),
    ]);
    expect(await seen("/", { host: SHOP_HOST })).toMatchObject({ name: "blog" });
    await world.gateway.pushAll([routesTo(SHOP, { dev: [shop] }), routesTo(BLOG, { dev: [blog] })]);
    expect(await seen("/", { host: SHOP_HOST })).toMatchObject({ name: "shop" });
  });

  test("that takes a project away leaves nothing of it, and may be repeated", async () => {
    await world.gateway.removeProject(SHOP);
    await world.gateway.removeProject(SHOP);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(404);
    expect(await ask(PORT, "/", { host: SHOP_HOST })).toMatchObject({ status: 404, body: "" });
    expect(await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" })).toMatchObject({
      version: null,
    });
    expect((await world.gateway.answeringVersions()).has(SHOP)).toBe(false);
    await world.gateway.pushProject({ ...routesTo(SHOP, { dev: [shop] }), version: nextVersion() });
  });

  test("probes a container from the gateway's side before any route leads there", async () => {
    const { address, port } = api;
    expect(await world.gateway.probe({ address, port, path: "/status?code=204" })).toEqual({
      kind: "answered",
      status: 204,
    });
    expect(await world.gateway.probe({ address, port: 1 })).toEqual({ kind: "failed", reason: "refused" });
    expect(await world.gateway.probe({ address, port, path: "/hang", timeoutMs: 200 })).toEqual({
      kind: "failed",
      reason: "timeout",
    });
    await expect(world.gateway.probe({ address: "127.0.0.1", port: 8081 })).rejects.toMatchObject({
      kind: "invalid",
    });
  });
});

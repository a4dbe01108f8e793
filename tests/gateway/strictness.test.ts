import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RouteSettings } from "../../core/routes.ts";
import { basicAuthUser } from "../../worker/gateway/basicAuth.ts";
import { gatewayPaths } from "../../worker/gateway/config.ts";
import { ask, speak } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/** What clients try to talk the gateway into, and what it makes of it. */

const PORT = 28_084;
const SHOP = "project_1700000000025_shopaaaa";
const BLOG = "project_1700000000026_blogbbbb";
const AT_SHOP = `/projects/${SHOP}/dev`;
const AT_BLOG = `/projects/${BLOG}/dev`;
const DOMAIN = "shop.example.com";
const MEBIBYTE = 1024 ** 2;

let world: World;
let shop: Upstream;

beforeAll(async () => {
  world = await World.start("gwstri23", PORT, "10.249.15");
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  const blog = await world.upstream("blog", [await world.network(BLOG, "dev")]);
  await world.gateway.pushAll([routesTo(BLOG, { dev: [blog] })]);
  await shopWith({});
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function shopWith(settings: RouteSettings) {
  const { environments, ...table } = routesTo(SHOP, { dev: [shop] });
  const [service] = environments.dev!.services;
  await world.gateway.pushProject({
    ...table,
    domains: [{ name: DOMAIN, environment: "dev" }],
    environments: { dev: { state: "serving", services: [{ ...service!, settings }] } },
  });
}

const statuses = (heard: string) =>
  [...heard.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

async function seenHeaders(bytes: string): Promise<Record<string, string>> {
  const heard = await speak(PORT, bytes);
  return (JSON.parse(/\{.*\}/s.exec(heard)![0]) as { headers: Record<string, string> }).headers;
}

describe("a host", () => {
  const absolute = (host: string) =>
    `GET http://${DOMAIN}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

  test("that differs from the target's is refused: the container would be told a name that nobody checked", async () => {
    expect(statuses(await speak(PORT, absolute("evil.example")))).toEqual([400]);
    expect(statuses(await speak(PORT, absolute("dev--blogbbbb.localhost")))).toEqual([400]);
  });

  test("that is the target's goes through, however it is written", async () => {
    for (const host of [DOMAIN, `${DOMAIN}:80`, "Shop.Example.COM", `${DOMAIN}.`])
      expect(await seenHeaders(absolute(host))).toMatchObject({ host, "x-forwarded-host": host });
  });

  test.each([
    ["/"],
    ["/a/%2E%2e/b"],
    ["/.slipway/body/1m"],
    ["/.slipway/body/1g"],
    ["/.slipway/page"],
    [`${AT_SHOP}/`],
  ])("that is nobody's gets 404 and nothing else at %s", async (path) => {
    const { status, body, headers } = await ask(PORT, path, { host: "example.com" });
    expect([status, body]).toEqual([404, ""]);
    expect(headers.server).toBeUndefined();
  });

  test("of an environment that no project can have is nobody's", async () => {
    const unknown = await ask(PORT, "/", { host: "foo--shopaaaa.localhost" });
    expect([unknown.status, unknown.body]).toEqual([404, ""]);
    const absent = await ask(PORT, "/", { host: "test--shopaaaa.localhost" });
    expect([absent.status, absent.body]).toEqual([404, expect.stringContaining("no such environment")]);
  });
});

test("nothing that a client says of a proxy before the gateway reaches the container", async () => {
  const said = [
    ...[
      "X-Forwarded-Ssl: on",
      "X-Forwarded-Scheme: https",
      "X-Forwarded-Protocol: https",
      "Front-End-Https: on",
    ],
    ...[
      "X-Url-Scheme: https",
      "X-Forwarded-Prefix: /admin",
      "X-Forwarded-Proto: https",
      "X-Forwarded-For: 6.6.6.6",
    ],
    ...["X-Forwarded-Port: 1", "X-Forwarded-Host: evil", "X-Real-IP: 6.6.6.6", "X-Client-IP: 6.6.6.6"],
    ...["True-Client-IP: 6.6.6.6", "X-Forwarded-By: evil", "X-Original-Host: evil", "Forwarded: for=6.6.6.6"],
  ];
  const headers = await seenHeaders(
    [`GET / HTTP/1.1`, `Host: ${DOMAIN}`, ...said, "Connection: close", "", ""].join("\r\n"),
  );
  expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|evil|admin|https|"on"/);
  expect(headers).toMatchObject({ "x-forwarded-proto": "http", "x-forwarded-host": DOMAIN });
});

describe("a body that nobody reads", () => {
  // What would be the next request, where the body of the first were left on its connection.
  const smuggled = `GET ${AT_BLOG}/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const last = `GET ${AT_SHOP}/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  const request = (line: string, host = "localhost") =>
    `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
  const chunked = (line: string) =>
    `${line} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;

  test.each([
    ["HEAD of a page", request("HEAD /projects/nothing/dev/"), 404],
    ["GET of a page", request("GET /projects/nothing/dev/"), 404],
    ["POST to a page", request("POST /projects/nothing/dev/"), 404],
    ["chunked POST to a page", chunked("POST /projects/nothing/dev/"), 404],
    ["chunked HEAD of a page", chunked("HEAD /projects/nothing/dev/"), 404],
    ["POST to a redirect", request(`POST ${AT_SHOP}`), 308],
    ["HEAD of an unknown host", request("HEAD /", "example.com"), 404],
    ["POST to an unknown host", request("POST /", "example.com"), 404],
    ["HEAD of the dashboard, which is away", request("HEAD /"), 503],
    ["POST to the dashboard, which is away", request("POST /"), 503],
    ["HEAD that a container answers", request(`HEAD ${AT_SHOP}/`), 200],
    ["GET that a container answers", request(`GET ${AT_SHOP}/`), 200],
    ["chunked POST that a container answers", chunked(`POST ${AT_SHOP}/`), 200],
  ])("is no request of its own after a %s", async (_what, bytes, status) => {
    const heard = await speak(PORT, bytes + last);
    expect(heard).not.toContain('/smuggled"');
    // Closing is as good as going on.
    expect([[status], [status, 200]]).toContainEqual(statuses(heard));
  });
});

describe("a password", () => {
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

  test("cannot be guessed for long, and to try keeps nobody waiting", async () => {
    await shopWith({ basicAuth: [await basicAuthUser("ann", "open sesame")] });
    expect((await ask(PORT, `${AT_SHOP}/`, { headers: basic("ann:open sesame") })).status).toBe(200);
    const guesses = await Promise.all(
      Array.from({ length: 400 }, (_, count) => ask(PORT, `${AT_SHOP}/`, { headers: basic(`ann:${count}`) })),
    );
    const refused = guesses.filter(({ status }) => status === 429);
    expect(guesses.filter(({ status }) => status === 401).length).toBeLessThan(100);
    expect(refused.length).toBeGreaterThan(300);
    for (const { headers } of refused) expect(Number(headers["retry-after"])).toBeGreaterThanOrEqual(1);
    // What was right before costs nothing, and neither does what needs no password.
    // Many at once: each of nginx's workers gets some.
    const right = await Promise.all(
      Array.from({ length: 40 }, () => ask(PORT, `${AT_SHOP}/`, { headers: basic("ann:open sesame") })),
    );
    expect(right.map(({ status }) => status)).toEqual(right.map(() => 200));
    expect((await ask(PORT, `${AT_BLOG}/`)).status).toBe(200);
  });

  test("is asked for before a redirect is told", async () => {
    const redirects = [{ from: "/old", to: "/secret-place", status: 301 as const }];
    await shopWith({ redirects, basicAuth: [await basicAuthUser("ann", "open sesame")] });
    expect((await ask(PORT, `${AT_SHOP}/old`)).status).toBe(401);
    await shopWith({ redirects, allowIps: ["192.0.2.0/24"] });
    expect((await ask(PORT, `${AT_SHOP}/old`)).status).toBe(403);
    await shopWith({ redirects });
    expect((await ask(PORT, `${AT_SHOP}/old`)).status).toBe(301);
  });
});

describe("a body of unknown length", () => {
  async function* pieces(bytes: number) {
    for (let sent = 0; sent < bytes; sent += MEBIBYTE) yield Buffer.alloc(MEBIBYTE);
  }
  const post = (path: string, bytes: number) =>
    ask(PORT, `${AT_SHOP}${path}`, {
      method: "POST",
      headers: { "transfer-encoding": "chunked" },
      body: pieces(bytes),
    }).then(
      ({ status }) => status,
      () => 413, // nginx closes on who goes on sending
    );

  test("has at most twice the bound", async () => {
    await shopWith({ maxBodyBytes: 11 * MEBIBYTE });
    expect(await post("/upload", 11 * MEBIBYTE)).toBe(200);
    expect(await post("/upload", 23 * MEBIBYTE)).toBe(413);
    await shopWith({});
  });

  test("is logged under the path that was asked for", async () => {
    expect(await post("/upload?token=hush", MEBIBYTE)).toBe(200);
    const log = () => readFile(gatewayPaths(world.config.dataDir).requestLog, "utf8");
    await expect.poll(log, { timeout: 10_000 }).toContain(`"path":"${AT_SHOP}/upload"`);
    expect((await ask(PORT, `${AT_SHOP}/${"x".repeat(40_000)}`)).status).toBe(414);
    await expect.poll(log, { timeout: 10_000 }).toContain(`"status":414`);
    expect(
      (await log())
        .split("\n")
        .filter((line) => /"path":"\/\.slipway\/.*"route":"p|"status":414.*slipway\/page|hush/.test(line)),
    ).toEqual([]);
  });
});

import { mkdir, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { openDashboard, type Dashboard } from "../../worker/dashboard/dashboard.ts";
import { gatewayPaths, gatewayUser } from "../../worker/gateway/config.ts";
import { ensureGateway } from "../../worker/gateway/ensure.ts";
import { ask } from "./client.ts";
import { routesTo, slugOf, World, type Upstream } from "./world.ts";

/** What browsers and programs meet at the gateway's own hosts: the dashboard, and no project's program in its origin. */

const PORT = 28_093;
const SHOP = "project_1700000000094_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;
const OWN_ORIGIN = `http://dev--${slugOf(SHOP)}.localhost:${PORT}`;
const SANDBOX = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads";
const BIG_BYTES = 32 * 1024 ** 2;

let world: World;
let shop: Upstream;
let backend: http.Server;
let dashboard: Dashboard | null = null;

beforeAll(async () => {
  world = await World.start("gwdash23", PORT, "10.249.14");
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
  const dist = join(world.config.dataDir, "dist");
  await mkdir(join(dist, "assets"), { recursive: true });
  await writeFile(join(dist, "index.html"), "<title>the dashboard</title>");
  await writeFile(join(dist, "assets", "one.js"), "1".repeat(4000));
  backend = http.createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => response.end(JSON.stringify({ url: request.url, bytes })));
  });
  new WebSocketServer({ server: backend }).on("connection", (socket) =>
    socket.on("message", (data) => socket.send(`you said ${String(data)}`)),
  );
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  dashboard = await serve();
}, 300_000);
afterAll(async () => {
  await dashboard?.close();
  backend?.close();
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function serve(): Promise<Dashboard> {
  const { dataDir, instanceId } = world.config;
  return await openDashboard({
    socketPath: gatewayPaths(dataDir).dashboardSocket,
    owner: gatewayUser({ dataDir, instanceId }),
    folder: join(dataDir, "dist"),
    convexUrl: `http://127.0.0.1:${(backend.address() as AddressInfo).port}`,
    facts: { baseDomain: "localhost", httpPort: PORT, httpsPort: null, host: "box", version: "0.1.0" },
    door: {
      answer: async (request, response) => {
        for await (const _chunk of request);
        response.end(JSON.stringify({ url: request.url }));
      },
      upgrade: async () => {},
    },
    log: () => {},
  });
}

describe("the gateway's own hosts", () => {
  test.each(["localhost", "127.0.0.1", "[::1]", "LOCALHOST."])("show the dashboard at %s", async (host) => {
    for (const path of ["/", "/p/shop/logs", "/nothing"]) {
      const answer = await ask(PORT, path, { host: `${host}:${PORT}`, headers: { accept: "text/html" } });
      expect(answer).toMatchObject({ status: 200, body: expect.stringContaining("the dashboard") });
      expect(answer.headers).toMatchObject({ "x-frame-options": "DENY", "referrer-policy": "no-referrer" });
      expect(answer.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(answer.headers.server).toBeUndefined();
    }
  });

  test("serve its files compressed, and what it has to know", async () => {
    const file = await ask(PORT, "/assets/one.js", { headers: { "accept-encoding": "gzip" } });
    expect(file).toMatchObject({ status: 200, headers: { "content-encoding": "gzip" } });
    expect(JSON.parse((await ask(PORT, "/slipway.json")).body)).toMatchObject({
      convexUrl: null,
      host: "box",
    });
  });

  test("lead to the backend and to the door, byte by byte", async () => {
    const backendUrl = "/api/query?a=%2F&b=//c";
    const asked = await ask(PORT, backendUrl, { method: "POST", body: "{}" });
    expect(JSON.parse(asked.body)).toEqual({ url: backendUrl, bytes: 2 });
    const doorUrl = "/v1/projects/shop/dev/files?path=a%2Fb";
    expect(JSON.parse((await ask(PORT, `/door${doorUrl}`)).body)).toEqual({ url: doorUrl });
  });

  test("pass WebSockets for pages of their own, and for no others", async () => {
    const socket = new WebSocket(`ws://localhost:${PORT}/api/1.48.0/sync`, {
      origin: `http://localhost:${PORT}`,
    });
    const heard = new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("message", (data) => resolve(String(data)));
      socket.once("open", () => socket.send("hello"));
    });
    expect(await heard).toBe("you said hello");
    socket.close();
    for (const origin of [OWN_ORIGIN, "null", "http://evil.example"]) {
      const refused = new WebSocket(`ws://localhost:${PORT}/api/1.48.0/sync`, { origin });
      await expect(
        new Promise((resolve, reject) => refused.once("open", resolve).once("error", reject)),
      ).rejects.toThrow("403");
    }
  });

  test("take large bodies as they come, within a bound", async () => {
    async function* pieces() {
      for (let sent = 0; sent < BIG_BYTES; sent += 1024 ** 2) yield Buffer.alloc(1024 ** 2);
    }
    const headers = { "transfer-encoding": "chunked" };
    const upload = await ask(PORT, "/api/storage/upload?token=x", {
      method: "POST",
      headers,
      body: pieces(),
    });
    expect(JSON.parse(upload.body)).toMatchObject({ bytes: BIG_BYTES });
    const tooMuch = { "content-length": String(1024 ** 3 + 1) };
    expect(
      (await ask(PORT, "/api/storage/upload", { method: "POST", headers: tooMuch, body: "" })).status,
    ).toBe(413);
  });

  test("are no other names: those get 404 and nothing else", async () => {
    for (const host of ["example.com", "192.0.2.7", "xlocalhost", "dev--nosuch.localhost"]) {
      for (const path of ["/", "/slipway.json", "/api/query", "/door/v1/doctor"]) {
        expect(await ask(PORT, path, { host })).toMatchObject({ status: 404, body: "" });
      }
    }
  });

  test("are shared with nobody: an environment's own name has what is its own at every path", async () => {
    for (const path of ["/", "/slipway.json", "/api/query", "/door/v1/doctor", "/assets/one.js"]) {
      const answer = await ask(PORT, path, { host: `dev--${slugOf(SHOP)}.localhost` });
      expect(JSON.parse(answer.body)).toMatchObject({ name: "shop", url: path });
    }
  });
});

describe("a project's address below /projects/", () => {
  const navigate = (dest: string, path: string, host = `localhost:${PORT}`) =>
    ask(PORT, path, { host, headers: { "sec-fetch-dest": dest, "sec-fetch-mode": "navigate" } });

  test.each([
    "document",
    "iframe",
    "frame",
    "embed",
    "object",
    "script",
    "worker",
    "sharedworker",
    "serviceworker",
  ])("is asked again at the environment's own origin, where a browser wants a %s", async (dest) => {
    const { status, headers, body } = await navigate(dest, `${AT_SHOP}/a%2Fb?c=/d`);
    expect([status, headers.location]).toEqual([307, `${OWN_ORIGIN}/a%2Fb?c=/d`]);
    expect(headers).toMatchObject({ vary: "Sec-Fetch-Dest", "cache-control": "no-store" });
    expect(body).not.toContain("shop");
  });

  test("leads to that origin's root without its slash, and from every name of the gateway's", async () => {
    expect((await navigate("document", AT_SHOP)).headers.location).toBe(`${OWN_ORIGIN}/`);
    expect((await navigate("document", `${AT_SHOP}?a=b`)).headers.location).toBe(`${OWN_ORIGIN}/?a=b`);
    for (const host of [`127.0.0.1:${PORT}`, `[::1]:${PORT}`]) {
      expect((await navigate("document", `${AT_SHOP}/`, host)).headers.location).toBe(`${OWN_ORIGIN}/`);
    }
    const form = await ask(PORT, `${AT_SHOP}/form`, {
      method: "POST",
      body: "a=b",
      headers: { "sec-fetch-dest": "document" },
    });
    expect([form.status, form.headers.location]).toEqual([307, `${OWN_ORIGIN}/form`]);
  });

  test("is asked again there by a browser, too, that says only that it would rather have https", async () => {
    const answer = await ask(PORT, `${AT_SHOP}/`, { headers: { "upgrade-insecure-requests": "1" } });
    expect([answer.status, answer.headers.location]).toEqual([307, `${OWN_ORIGIN}/`]);
  });

  test("answers programs as ever, in nobody's origin", async () => {
    for (const headers of [{}, { "sec-fetch-dest": "empty" }, { "sec-fetch-dest": "image" }]) {
      const answer = await ask(PORT, `${AT_SHOP}/x?y`, { headers });
      expect(JSON.parse(answer.body)).toMatchObject({ name: "shop", url: "/x?y" });
      expect(answer.headers["content-security-policy"]).toBe(SANDBOX);
    }
  });

  test("answers with the app's own policy and ours, and says nothing of the whole origin", async () => {
    const wide = {
      "Service-Worker-Allowed": "/",
      "Clear-Site-Data": '"storage"',
      "Strict-Transport-Security": "max-age=1",
      "Alt-Svc": 'h3=":1"',
      NEL: "{}",
      "Report-To": "{}",
    };
    const query = new URLSearchParams({ ...wide, "Content-Security-Policy": "default-src 'self'" });
    const chunked = { method: "POST", headers: { "transfer-encoding": "chunked" }, body: "x" };
    const answers = await Promise.all([
      ask(PORT, `${AT_SHOP}/headers?${query}`),
      ask(PORT, `${AT_SHOP}/headers?${query}`, chunked),
    ]);
    for (const { headers, status } of answers) {
      expect(status).toBe(200);
      expect(headers["content-security-policy"]).toBe(`default-src 'self', ${SANDBOX}`);
      for (const name of Object.keys(wide))
        expect([name, headers[name.toLowerCase()]]).toEqual([name, undefined]);
    }
    // nginx takes this path for another place than the gateway does.
    const odd = await ask(PORT, `${AT_SHOP}/..%2f..%2f..%2fx`);
    expect(odd.headers["content-security-policy"]).toBe(SANDBOX);

    // At its own host the same path is the app's to answer as it likes.
    const host = `dev--${slugOf(SHOP)}.localhost:${PORT}`;
    const own = await ask(PORT, `/projects/x/y?${query}`, { host });
    expect(JSON.parse(own.body)).toMatchObject({ name: "shop", url: `/projects/x/y?${query}` });
    expect(own.headers["content-security-policy"]).toBeUndefined();
  });

  test("is the app's alone at its own origin: no redirect, no sandbox", async () => {
    const answer = await navigate("document", "/x", `dev--${slugOf(SHOP)}.localhost:${PORT}`);
    expect(JSON.parse(answer.body)).toMatchObject({ name: "shop", url: "/x" });
    expect(answer.headers["content-security-policy"]).toBeUndefined();
  });

  test("without a project is the gateway's page, not the dashboard's", async () => {
    for (const path of ["/projects", "/projects/", "/projects/x/dev/", "/.env"]) {
      expect(await navigate("document", path)).toMatchObject({
        status: 404,
        headers: { "content-security-policy": expect.not.stringContaining("sandbox") },
        body: expect.stringContaining("Nothing is here"),
      });
    }
  });
});

describe("without a worker", () => {
  test("the gateway says so, projects go on, and the dashboard is back with it", async () => {
    await dashboard!.close();
    dashboard = null;
    const page = await ask(PORT, "/p/shop", { headers: { accept: "text/html" } });
    expect(page).toMatchObject({ status: 503, headers: { "retry-after": "2", "cache-control": "no-store" } });
    expect(page.body).toContain("The dashboard is not there right now");
    const program = await ask(PORT, "/api/query", {
      method: "POST",
      body: "{}",
      headers: { accept: "application/json" },
    });
    expect(program.status).toBe(503);
    expect(JSON.parse(program.body)).toMatchObject({ error: { code: "dashboard_away" } });
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
    // As a worker that was killed leaves it.
    await writeFile(gatewayPaths(world.config.dataDir).dashboardSocket, "");
    expect((await ask(PORT, "/")).status).toBe(503);
    dashboard = await serve();
    expect((await ask(PORT, "/")).status).toBe(200);
  });

  test("a backend that is away is told in its own words", async () => {
    const { port } = backend.address() as AddressInfo;
    backend.closeAllConnections();
    await new Promise((resolve) => backend.close(resolve));
    const answer = await ask(PORT, "/api/query", { method: "POST", body: "{}" });
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "2" } });
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "setup" } });
    await new Promise<void>((resolve) => backend.listen(port, "127.0.0.1", resolve));
    expect((await ask(PORT, "/api/query", { method: "POST", body: "{}" })).status).toBe(200);
  });
});

describe("with a base domain of its own", () => {
  beforeAll(async () => {
    const dashboardRate = { perSecond: 0.1, burst: 20 };
    await ensureGateway(world.docker, { ...world.config, baseDomain: "apps.example.org", dashboardRate });
  });

  test("the dashboard is at that name, and environments' origins are below it", async () => {
    const host = `apps.example.org:${PORT}`;
    expect(await ask(PORT, "/", { host })).toMatchObject({
      status: 200,
      body: expect.stringContaining("the dashboard"),
    });
    const headers = { "sec-fetch-dest": "document" };
    for (const from of [host, `127.0.0.1:${PORT}`]) {
      expect((await ask(PORT, `${AT_SHOP}/x`, { host: from, headers })).headers.location).toBe(
        `http://dev--${slugOf(SHOP)}.apps.example.org:${PORT}/x`,
      );
    }
    expect(await ask(PORT, "/", { host: "www.apps.example.org" })).toMatchObject({ status: 404, body: "" });
  });

  test("one client is refused where it asks too often, for the dashboard alone", async () => {
    const answers = [];
    for (let count = 0; count < 25; count += 1) answers.push(await ask(PORT, "/slipway.json"));
    const refused = answers.at(-1)!;
    expect([answers[0]!.status, refused.status]).toEqual([200, 429]);
    expect(refused.headers["retry-after"]).toMatch(/^\d+$/);
    expect((await ask(PORT, `${AT_SHOP}/`)).status).toBe(200);
  });
});

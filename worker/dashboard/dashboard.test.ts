import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync, brotliCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { openDashboard, type Dashboard, type DashboardOptions } from "./dashboard.ts";

/** What the gateway meets at the dashboard's socket. */

const SCRIPT = `console.log("one");`.repeat(100);
const HOST = "localhost:8080";

let folder: string;
let dashboard: Dashboard | null = null;
let backend: http.Server | null = null;
let logged: string[];
const socketPath = () => join(folder, "dashboard.sock");
const dist = () => join(folder, "dist");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "swd-"));
  logged = [];
  await build("dist", "one");
});
afterEach(async () => {
  await dashboard?.close();
  dashboard = null;
  backend?.close();
  backend?.closeAllConnections();
  backend = null;
  await rm(folder, { recursive: true, force: true });
});

async function build(name: string, word: string): Promise<void> {
  await mkdir(join(folder, name, "assets"), { recursive: true });
  await writeFile(join(folder, name, "index.html"), `<script src="/assets/${word}.js"></script>`);
  await writeFile(join(folder, name, "assets", `${word}.js`), SCRIPT);
  await writeFile(join(folder, name, "assets", `${word}.js.br`), brotliCompressSync(SCRIPT));
  await writeFile(join(folder, name, "favicon.svg"), "<svg/>");
  await writeFile(join(folder, name, ".build"), "not for anybody");
}

async function open(more: Partial<DashboardOptions> = {}): Promise<Dashboard> {
  return await openDashboard({
    socketPath: socketPath(),
    owner: { uid: process.getuid!(), gid: process.getgid!() },
    folder: dist(),
    convexUrl: backend ? `http://127.0.0.1:${(backend.address() as AddressInfo).port}` : "http://127.0.0.1:9",
    facts: { baseDomain: "localhost", httpPort: 8080, httpsPort: null, host: "box", version: "0.1.0" },
    door: { answer: async (_request, response) => void response.end("{}"), upgrade: async () => {} },
    log: (event) => void logged.push(event),
    ...more,
  });
}

type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer };

function ask(
  path: string,
  { method = "GET", headers = {}, body }: { method?: string; headers?: object; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        socketPath: socketPath(),
        path,
        method,
        headers: { host: HOST, ...headers },
        agent: false,
        timeout: 10_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error(`no answer to ${path}`)));
    request.end(body);
  });
}

const errorOf = ({ body }: Answer) => (JSON.parse(body.toString()) as { error: { code: string } }).error;

/** A backend whose answers `handle` gives, on loopback. */
async function startBackend(handle: (request: IncomingMessage, response: ServerResponse) => void, port = 0) {
  backend = http.createServer(handle);
  await new Promise<void>((resolve) => backend!.listen(port, "127.0.0.1", resolve));
  return backend;
}

describe("files", () => {
  beforeEach(async () => {
    dashboard = await open();
  });

  test.each(["/", "/list", "/p/my-shop/logs", "/index.html", "/p/shop?tab=logs.txt"])(
    "%s is the page, which may run nothing but its own scripts and is never framed",
    async (path) => {
      const answer = await ask(path, { headers: { accept: "text/html" } });
      expect(answer.status).toBe(200);
      expect(answer.body.toString()).toContain("/assets/one.js");
      expect(answer.headers).toMatchObject({
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-cache",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
      });
      const policy = answer.headers["content-security-policy"];
      expect(policy).toContain(`script-src ${HOST}/assets/;`);
      expect(policy).toContain("default-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain(`connect-src 'self' ws://${HOST} wss://${HOST};`);
    },
  );

  test("in assets/ are kept by browsers for ever, and come compressed to those who take it", async () => {
    const plain = await ask("/assets/one.js");
    expect(plain.body.toString()).toBe(SCRIPT);
    expect(plain.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    const br = await ask("/assets/one.js", { headers: { "accept-encoding": "gzip, br" } });
    expect(br.headers).toMatchObject({ "content-encoding": "br", vary: "Accept-Encoding" });
    expect(brotliDecompressSync(br.body).toString()).toBe(SCRIPT);
    const gzip = await ask("/assets/one.js", { headers: { "accept-encoding": "gzip, br;q=0" } });
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(gzip.body).toString()).toBe(SCRIPT);
    expect((await ask("/assets/one.js.br")).status).toBe(404);
  });

  test("that the client has are not sent again", async () => {
    const { headers } = await ask("/");
    const again = await ask("/", { headers: { "if-none-match": `"other", W/${headers.etag}` } });
    expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) });
    expect(again.headers.etag).toBe(headers.etag);
  });

  test("are told of to HEAD, without what is in them", async () => {
    const { status, headers, body } = await ask("/favicon.svg", { method: "HEAD" });
    expect([status, headers["content-type"], headers["content-length"], body.length]).toEqual([
      200,
      "image/svg+xml",
      "6",
      0,
    ]);
  });

  test.each(["/assets/two.js", "/nothing.png", "/.build", "/.env", "/.git/config", "/assets/"])(
    "%s that there are not are not found, and are no page",
    async (path) => {
      const answer = await ask(path);
      expect([answer.status, errorOf(answer).code]).toEqual([404, "not_found"]);
    },
  );

  test("take no other method", async () => {
    expect((await ask("/", { method: "POST", body: "{}" })).status).toBe(405);
  });

  test("slipway.json says what the page has to know, and is kept by nobody", async () => {
    const { headers, body } = await ask("/slipway.json");
    expect(headers["cache-control"]).toBe("no-store");
    expect(JSON.parse(body.toString())).toEqual({
      ...{
        convexUrl: null,
        baseDomain: "localhost",
        httpPort: 8080,
        httpsPort: null,
        host: "box",
        version: "0.1.0",
      },
    });
  });
});

describe("a build", () => {
  test("that takes another's place counts from the next page on; pages opened before keep their files", async () => {
    dashboard = await open();
    expect((await ask("/")).body.toString()).toContain("/assets/one.js");
    await build("next", "two");
    await rename(dist(), join(folder, "old"));
    expect((await ask("/")).body.toString()).toContain("/assets/one.js");
    await rename(join(folder, "next"), dist());
    await rm(join(folder, "old"), { recursive: true });
    expect((await ask("/")).body.toString()).toContain("/assets/two.js");
    expect((await ask("/assets/two.js")).status).toBe(200);
    expect((await ask("/assets/one.js")).status).toBe(200);
  });

  test("that there is not is told, to people as a page, and is there once it is", async () => {
    await rename(dist(), join(folder, "away"));
    dashboard = await open();
    const page = await ask("/", { headers: { accept: "text/html" } });
    expect(page).toMatchObject({
      status: 503,
      headers: { "retry-after": "10", "content-type": "text/html; charset=utf-8" },
    });
    expect(page.body.toString()).toContain("npm run dashboard:build");
    expect(errorOf(await ask("/"))).toMatchObject({ code: "setup" });
    expect((await ask("/assets/one.js")).status).toBe(404);
    await rename(join(folder, "away"), dist());
    expect((await ask("/")).status).toBe(200);
  });
});

describe("the backend", () => {
  const query = { method: "POST", headers: { "content-type": "application/json" }, body: `{"path":"a:b"}` };

  test("on loopback is asked as the client asks, and its answer is no page of this origin", async () => {
    await startBackend((request, response) => {
      const { method, url, headers } = request;
      request.on("data", (chunk: Buffer) => {
        response.setHeader("access-control-allow-origin", "*");
        response.setHeader("content-type", "text/html");
        response.end(JSON.stringify({ method, url, headers, body: chunk.toString() }));
      });
    });
    dashboard = await open();
    const headers = {
      ...query.headers,
      authorization: "Bearer abc",
      cookie: "a=b",
      origin: `http://${HOST}`,
    };
    const answer = await ask("/api/query?x=1", { ...query, headers });
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      method: "POST",
      url: "/api/query?x=1",
      body: query.body,
      headers: { authorization: "Bearer abc", host: expect.stringContaining("127.0.0.1:") },
    });
    expect(answer.body.toString()).not.toMatch(/cookie|origin/);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(answer.headers["content-security-policy"]).toContain("sandbox");
  });

  test.each([
    "/api/deploy2/start_push",
    "/api/storage/abc",
    "/api/run_test_function",
    "/api/queryx",
    "/api/v1/get_canonical_urls",
  ])("is not asked for %s, which no client of the page needs", async (path) => {
    let asked = 0;
    await startBackend((_request, response) => response.end(String((asked += 1))));
    dashboard = await open();
    expect((await ask(path, query)).status).toBe(404);
    expect(asked).toBe(0);
  });

  test.each(["http://dev--evil.localhost:8080", "http://localhost:9999", "null", "https://evil.example"])(
    "is not asked for a page of the origin %s",
    async (origin) => {
      await startBackend((_request, response) => response.end("{}"));
      dashboard = await open();
      expect((await ask("/api/query", { ...query, headers: { origin } })).status).toBe(403);
      await expect(subscribe({ origin })).rejects.toThrow("403");
    },
  );

  test("that is away is told as such, and is asked again once it is back", async () => {
    const { port } = (
      await startBackend((_request, response) => response.end("{}"))
    ).address() as AddressInfo;
    dashboard = await open();
    expect((await ask("/api/query", query)).status).toBe(200);
    await new Promise((resolve) => backend!.close(resolve));
    const away = await ask("/api/mutation", query);
    expect([away.status, away.headers["retry-after"], errorOf(away).code]).toEqual([503, "2", "setup"]);
    await expect(subscribe()).rejects.toThrow("503");
    await startBackend((_request, response) => response.end("{}"), port);
    expect((await ask("/api/query", query)).status).toBe(200);
  });

  test("that goes away before it answers is told, too", async () => {
    await startBackend((request) => request.socket.destroy());
    dashboard = await open();
    expect(await ask("/api/mutation", query)).toMatchObject({ status: 502, headers: { "retry-after": "2" } });
  });

  test("gets no more than a client may send", async () => {
    let received = 0;
    await startBackend((request, response) => {
      request.on("data", (chunk: Buffer) => (received += chunk.length));
      request.on("end", () => response.end());
    });
    dashboard = await open();
    const body = Buffer.alloc(21 * 1024 ** 2);
    expect(
      (await ask("/api/query", { method: "POST", headers: { "content-length": body.length }, body })).status,
    ).toBe(413);
    expect(received).toBe(0);
    const chunked = await ask("/api/query", {
      method: "POST",
      headers: { "transfer-encoding": "chunked" },
      body,
    });
    expect([chunked.status, errorOf(chunked).code]).toEqual([413, "too_much"]);
  });

  test("elsewhere is the browser's to reach", async () => {
    dashboard = await open({ convexUrl: "https://happy-otter-1.convex.cloud" });
    expect(JSON.parse((await ask("/slipway.json")).body.toString())).toMatchObject({
      convexUrl: "https://happy-otter-1.convex.cloud",
    });
    expect((await ask("/")).headers["content-security-policy"]).toContain(
      "https://happy-otter-1.convex.cloud wss://happy-otter-1.convex.cloud",
    );
    expect((await ask("/api/query", query)).status).toBe(404);
    await expect(subscribe()).rejects.toThrow("404");
  });

  test("and the client speak to each other over a WebSocket until one of them ends it", async () => {
    await startBackend((_request, response) => response.end());
    const server = new WebSocketServer({ server: backend! });
    server.on("connection", (socket) =>
      socket.on("message", (data) => socket.send(`you said ${String(data)}`)),
    );
    dashboard = await open();
    const client = await subscribe({ origin: `http://${HOST}` });
    const heard = new Promise((resolve) => client.once("message", (data) => resolve(String(data))));
    client.send("hello");
    expect(await heard).toBe("you said hello");
    const ended = new Promise((resolve) => client.once("close", resolve));
    for (const socket of server.clients) socket.terminate();
    await ended;

    const [other] = await Promise.all([
      subscribe(),
      new Promise((resolve) => server.once("connection", resolve)),
    ]);
    const gone = new Promise((resolve) => [...server.clients][0]!.once("close", resolve));
    other.terminate();
    await gone;
    await expect(subscribe({}, "/api/other")).rejects.toThrow("404");
  });

  test("loses its subscriptions when the dashboard's server ends", async () => {
    await startBackend((_request, response) => response.end());
    const server = new WebSocketServer({ server: backend! });
    dashboard = await open();
    const client = await subscribe();
    const ended = Promise.all([
      new Promise((resolve) => client.once("close", resolve)),
      new Promise((resolve) => [...server.clients][0]!.once("close", resolve)),
    ]);
    await dashboard.close();
    await ended;
  });
});

/** A WebSocket of Convex's client; rejects with the status where there is none. */
function subscribe(headers: object = {}, path = "/api/1.48.0/sync"): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws+unix:${socketPath()}:${path}`, { headers: { host: HOST, ...headers } });
    socket.once("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

test("the door is asked without /door, and shows no page", async () => {
  const asked: string[] = [];
  dashboard = await open({
    door: {
      answer: async ({ url }, response) => {
        asked.push(url!);
        response.writeHead(200, { "content-type": "text/html" }).end("<script>");
      },
      upgrade: async ({ url }, socket) => {
        asked.push(url!);
        socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
      },
    },
  });
  const { headers } = await ask("/door/v1/projects/shop/dev/files?path=a");
  expect(headers["content-security-policy"]).toContain("sandbox");
  await expect(subscribe({}, "/door/v1/projects/shop/dev/terminal")).rejects.toThrow("400");
  expect(asked).toEqual(["/v1/projects/shop/dev/files?path=a", "/v1/projects/shop/dev/terminal"]);
});

describe("the socket", () => {
  test("is its owner's alone, and goes with the server", async () => {
    dashboard = await open();
    expect((await stat(socketPath())).mode & 0o777).toBe(0o600);
    await dashboard.close();
    expect(await readdir(folder)).toEqual(["dist"]);
  });

  test("that a killed worker left is taken over", async () => {
    await writeFile(socketPath(), "stale");
    await writeFile(join(folder, "d.4194305"), "stale");
    dashboard = await open();
    expect((await ask("/")).status).toBe(200);
    expect((await readdir(folder)).sort()).toEqual(["dashboard.sock", "dist"]);
  });

  test("of a successor is not taken away by the one before", async () => {
    const before = await open();
    dashboard = await open();
    await before.close();
    expect((await ask("/")).status).toBe(200);
  });

  test("that cannot be made is told", async () => {
    const deep = join(folder, "x".repeat(120));
    await mkdir(deep);
    await expect(open({ socketPath: join(deep, "dashboard.sock") })).rejects.toMatchObject({
      data: { code: "setup" },
    });
  });
});

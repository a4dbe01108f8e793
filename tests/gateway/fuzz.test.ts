import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vProjectRoutes, type ProjectRoutesInput } from "../../core/routes.ts";
import { gatewayPaths } from "../../worker/gateway/config.ts";
import { askDoor } from "../../worker/gateway/door.ts";
import { ask, speak } from "./client.ts";
import { routesTo, World, type Upstream } from "./world.ts";

/** Whatever comes in, the gateway goes on and nobody gets another project's answer. `SLIPWAY_FUZZ` sets how much comes. */

const PORT = 28_086;
const RUNS = Number(process.env.SLIPWAY_FUZZ ?? 2_000);
const SHOP = "project_1700000000051_shopaaaa";
const BLOG = "project_1700000000052_blogbbbb";
const FUZZED = "project_1700000000053_fuzzcccc";

let world: World;
let shop: Upstream;
let blog: Upstream;

beforeAll(async () => {
  world = await World.start("gwfuzz23", PORT, "10.249.8");
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  blog = await world.upstream("blog", [await world.network(BLOG, "dev")]);
  const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
  const limits = { client: unlimited, project: unlimited };
  await world.gateway.pushAll([
    routesTo(SHOP, { dev: [shop] }, { limits }),
    routesTo(BLOG, { dev: [blog] }, { limits, domains: [{ name: "blog.example.com", environment: "dev" }] }),
  ]);
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  expect(faults).toEqual([]);
});

async function expectBothAnswer(): Promise<void> {
  for (const [namespace, name] of [
    [SHOP, "shop"],
    [BLOG, "blog"],
  ]) {
    const { body } = await ask(PORT, `/projects/${namespace}/dev/`);
    expect(JSON.parse(body)).toMatchObject({ name });
  }
}

describe("requests of any shape", () => {
  const pieces = (...words: string[]) =>
    fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...words) },
        fc.string({ maxLength: 3, unit: "binary-ascii" }),
      ),
      {
        maxLength: 8,
      },
    );
  const path = pieces(
    ...[
      `/projects/${SHOP}/dev`,
      `/projects/${BLOG}/dev`,
      "/projects/",
      SHOP,
      BLOG,
      "/dev",
      "/dev/",
      "/deploy/",
      "/",
      "//",
    ],
    ...[
      "..",
      ".",
      "%2e",
      "%2F",
      "%5c",
      "\\",
      "%00",
      "?",
      "#",
      ";",
      "%5f",
      "%25",
      "a",
      "\u00e9",
      "http://",
      "@",
    ],
  ).map((words) => `/${words.join("")}`);
  const host = fc.oneof(
    fc.constantFrom(
      "localhost",
      "127.0.0.1",
      "dev--shopaaaa.localhost",
      "dev--blogbbbb.localhost",
      "blog.example.com",
    ),
    pieces(
      "localhost",
      "dev--shopaaaa",
      "dev--blogbbbb",
      ".localhost",
      "blog.example.com",
      ".",
      ":80",
      ":",
      "[::1]",
      "DEV",
      "--",
      "@",
      "/",
      "%",
    ).map((words) => words.join("")),
  );

  /** Which project may answer, worked out from the words alone. */
  function allowed(host: string, path: string): string | null {
    // The header ends with its line, and spaces around it are none of it.
    const header = host.split("\n")[0]!.replace(/^ +|[ \r]+$/g, "");
    const name = header.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
    if (name === "dev--shopaaaa.localhost") return "shop";
    if (name === "dev--blogbbbb.localhost" || name === "blog.example.com") return "blog";
    if (!["localhost", "127.0.0.1", "[::1]"].includes(name)) return null;
    if (path.startsWith(`/projects/${SHOP}/dev/`)) return "shop";
    return path.startsWith(`/projects/${BLOG}/dev/`) ? "blog" : null;
  }

  test(`reach the project that they name, or none (${RUNS} of them)`, async () => {
    const answers = { shop: 0, blog: 0, none: 0 };
    await fc.assert(
      fc.asyncProperty(host, path, async (host, path) => {
        const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        const heard = await speak(PORT, Buffer.from(request, "latin1"));
        const answeredBy = /\{"name":"(shop|blog)"/.exec(heard)?.[1] as "shop" | "blog" | undefined;
        answers[answeredBy ?? "none"] += 1;
        if (answeredBy) expect(answeredBy).toBe(allowed(host, path));
        else if (allowed(host, path) && /^[A-Za-z0-9/_-]*$/.test(path) && !/[\r\n]/.test(host))
          throw new Error(`not answered: ${heard}`);
        // What is asked of the dashboard: nobody serves it here.
        if (heard.includes("The dashboard is not there")) {
          expect(path).not.toMatch(/^\/projects\//);
          return;
        }
        // HTTP/0.9 and what cannot be read at all get no status line; nothing gets a fault of ours.
        if (heard.startsWith("HTTP/")) expect(heard).not.toMatch(/^HTTP\/1\.1 5/);
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(RUNS / 50);
    await expectBothAnswer();
  });
});

describe("tables of any shape", () => {
  const good: ProjectRoutesInput = {
    namespace: FUZZED,
    slug: "fuzzed",
    version: 1,
    environments: {
      dev: {
        state: "serving",
        message: "a message",
        services: [
          {
            service: "app",
            prefix: "/",
            stripPrefix: false,
            upstreams: [{ address: "10.249.8.20", port: 3000, weight: 1, draining: false }],
            settings: {
              maxBodyBytes: 1,
              readTimeoutMs: 1,
              redirects: [{ from: "/a", to: "/b", status: 301 }],
              basicAuth: [
                { user: "ann", saltHex: "ab".repeat(16), hashHex: "cd".repeat(32), iterations: 1000 },
              ],
              allowIps: ["10.0.0.0/8"],
              responseHeaders: { "X-A": "b" },
            },
          },
        ],
      },
    },
    domains: [{ name: "fuzzed.example.com", environment: "dev" }],
    limits: { project: { perSecond: 1, burst: 1 }, client: { perSecond: 1, burst: 1 } },
  };

  /** Every place in `value`, as its path. */
  function places(value: unknown, at: (string | number)[] = []): (string | number)[][] {
    if (value === null || typeof value !== "object") return [at];
    const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    return [at, ...entries.flatMap(([key, inner]) => places(inner, [...at, key]))];
  }

  function replaced(value: unknown, at: (string | number)[], by: unknown): unknown {
    const [key, ...rest] = at;
    if (key === undefined) return by;
    const copy: Record<string | number, unknown> = Array.isArray(value)
      ? ([...value] as never)
      : { ...(value as object) };
    copy[key] = replaced(copy[key], rest, by);
    return copy;
  }

  const strange = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      "",
      [],
      {},
      0,
      -1,
      1.5,
      1e308,
      65536,
      2 ** 53,
      "10.0.0.300",
      "::",
      "fd00::1",
      "fd00::/8",
    ),
    fc.constantFrom<unknown>(
      "/",
      "/a",
      "/a/",
      "//a",
      "a.b",
      "A.b",
      "x".repeat(3000),
      "dev",
      "up",
      "a\nb",
      "\u0000",
      "127.0.0.1",
      "a.localhost",
      302,
    ),
    fc.integer(),
    fc.string(),
    fc.string({ unit: "grapheme", maxLength: 20 }),
    fc.array(fc.anything({ maxDepth: 1 }), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
    fc.ipV4(),
    fc.ipV6(),
    fc.domain(),
  );

  test(`are taken by the gateway if and only if the worker's rules take them (${RUNS} of them)`, async () => {
    const { pushSocket } = gatewayPaths(world.config.dataDir);
    const verdicts = { taken: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places(good)), strange, async (at, by) => {
        // Lua has one table for both of JSON's, so that an empty list and an empty object are the same to it.
        fc.pre(by === null || typeof by !== "object" || Object.keys(by).length > 0);
        const table: unknown = JSON.parse(
          JSON.stringify(replaced({ ...good, version: Date.now() }, at, by)) ?? "null",
        );
        const { status, body } = await askDoor(pushSocket, {
          method: "PUT",
          path: `/routes/${FUZZED}`,
          body: JSON.stringify(table),
          timeoutMs: 5_000,
        });
        const taken = vProjectRoutes.safeParse(table).success;
        verdicts[taken ? "taken" : "refused"] += 1;
        expect({ body, status }).toMatchObject({
          status: taken ? expect.toSatisfy((it) => it === 200 || it === 409) : 422,
        });
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(RUNS / 100);
    await expectBothAnswer();
  });

  test("that are no JSON at all are refused", async () => {
    const { pushSocket } = gatewayPaths(world.config.dataDir);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (body) => {
        const answer = await askDoor(pushSocket, {
          method: "PUT",
          path: `/routes/${FUZZED}`,
          body,
          timeoutMs: 5_000,
        });
        expect(answer.status).toBe(422);
      }),
      { numRuns: Math.ceil(RUNS / 10) },
    );
    await expectBothAnswer();
  });
});

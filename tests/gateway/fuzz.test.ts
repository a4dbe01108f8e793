import http from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vProjectRoutes, type ProjectRoutesInput } from "../../core/routes.ts";
import { gatewayPaths } from "../../worker/gateway/config.ts";
import { GatewayError } from "../../worker/gateway/gatewayError.ts";
import { ask, speak } from "./client.ts";
import { manifests, ofLane, OWN_PORT, tableOf } from "./fuzzManifests.ts";
import { places, replaced, strange } from "./fuzzValues.ts";
import { neighboursSuite } from "./neighbours.ts";
import { routesTo, slugOf, World, type Upstream } from "./world.ts";
import { times } from "../long.ts";

/**
 * Whatever comes in, the gateway goes on and nobody gets another project's answer: 5,000 or 50,000 requests, tables and
 * manifests, or as many as `SLIPWAY_FUZZ` says. They are drawn first and then sent many at a time; `SLIPWAY_FUZZ_SEED`
 * draws the same again. And what comes in as it should, from neighbours.
 */

const PORT = 28_086;
const RUNS = Number(process.env.SLIPWAY_FUZZ ?? times(5_000, 50_000));
const REQUESTS = Math.ceil(RUNS * 0.5);
const TABLES = Math.ceil(RUNS * 0.36);
const MANIFESTS = Math.ceil(RUNS * 0.1);
const NO_TABLES = Math.ceil(RUNS * 0.04);
const SEED = Number(process.env.SLIPWAY_FUZZ_SEED ?? Date.now() % 2 ** 31);
const AT_ONCE = 48;
const SHOP = "project_1700000000051_shopaaaa";
const BLOG = "project_1700000000052_blogbbbb";
const FUZZED = "project_1700000000053_fuzzcccc";
/** Of each lane of manifests one. */
const fuzzedOf = (lane: number) => `project_1700000000${200 + lane}_fuzz${200 + lane}`;

let world: World;
let shop: Upstream;
let blog: Upstream;
let fuzzed: Upstream;

beforeAll(async () => {
  world = await World.start("gwfuzz23", PORT, "10.249.8");
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  blog = await world.upstream("blog", [await world.network(BLOG, "dev")]);
  const ports = Array.from({ length: AT_ONCE }, (_, lane) => OWN_PORT + lane);
  fuzzed = await world.upstream("fuzzed", [await world.network(FUZZED, "dev")], ports as [number]);
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

/** Tries `count` values, many at a time. @throws Error that says with which one it failed, and how to have it again */
async function tryAll<T>(
  arbitrary: fc.Arbitrary<T>,
  count: number,
  attempt: (value: T, lane: number) => Promise<void>,
): Promise<void> {
  const values = fc.sample(arbitrary, { numRuns: count, seed: SEED });
  let next = 0;
  const run = async (lane: number) => {
    while (next < values.length) {
      const value = values[next++]!;
      await attempt(value, lane).catch((cause: unknown) => {
        next = values.length;
        throw new Error(`SLIPWAY_FUZZ=${RUNS} SLIPWAY_FUZZ_SEED=${SEED}: ${JSON.stringify(value)}`, {
          cause,
        });
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => run(lane)));
}

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

  test(`reach the project that they name, or none (${REQUESTS} of them)`, async () => {
    const answers = { shop: 0, blog: 0, none: 0 };
    await tryAll(fc.tuple(host, path), REQUESTS, async ([host, path]) => {
      const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      const heard = await speak(PORT, Buffer.from(request, "latin1"));
      const answeredBy = /\{"name":"(shop|blog)"/.exec(heard)?.[1] as "shop" | "blog" | undefined;
      answers[answeredBy ?? "none"] += 1;
      if (answeredBy) {
        if (answeredBy !== allowed(host, path)) throw new Error(`answered by ${answeredBy}`);
      } else if (allowed(host, path) && /^[A-Za-z0-9/_-]*$/.test(path) && !/[\r\n]/.test(host)) {
        throw new Error(`not answered: ${heard}`);
      }
      // What is asked of the dashboard: nobody serves it here.
      if (heard.includes("The dashboard is not there")) {
        if (path.startsWith("/projects/")) throw new Error(`sent to the dashboard: ${heard}`);
        return;
      }
      // HTTP/0.9 and what cannot be read at all get no status line; nothing gets a fault of ours.
      if (heard.startsWith("HTTP/1.1 5")) throw new Error(`a fault: ${heard}`);
    });
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(REQUESTS / 50);
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

  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  afterAll(() => agent.destroy());

  /** Pushes over connections that stay open, as the worker's own door does not. */
  function push(body: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const socketPath = gatewayPaths(world.config.dataDir).pushSocket;
      const sent = http.request(
        {
          ...{ socketPath, agent, method: "PUT", path: `/routes/${FUZZED}`, timeout: 20_000 },
          headers: { host: "localhost", "content-length": Buffer.byteLength(body) },
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
        },
      );
      sent.on("timeout", () => sent.destroy(new Error("the door does not answer")));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  test(`are taken by the gateway if and only if the worker's rules take them (${TABLES} of them)`, async () => {
    const verdicts = { taken: 0, refused: 0 };
    // Lua has one table for both of JSON's, so that an empty list and an empty object are the same to it.
    const change = strange.filter(
      (by) => by === null || typeof by !== "object" || Object.keys(by).length > 0,
    );
    await tryAll(fc.tuple(fc.constantFrom(...places(good)), change), TABLES, async ([at, by]) => {
      const table: unknown = JSON.parse(
        JSON.stringify(replaced({ ...good, version: Date.now() }, at, by)) ?? "null",
      );
      // What they take is pushed as they make it: of half a character, which JSON can carry and the gateway refuses, a whole one.
      const { success: taken, data } = vProjectRoutes.safeParse(table);
      const { status, body } = await push(JSON.stringify(taken ? data : table));
      verdicts[taken ? "taken" : "refused"] += 1;
      // 409: another one with a later version was quicker.
      if (!(taken ? [200, 409] : [422]).includes(status)) throw new Error(`${status}: ${body}`);
    });
    expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(TABLES / 100);
    await expectBothAnswer();
  });

  test(`that are no JSON at all are refused (${NO_TABLES} of them)`, async () => {
    await tryAll(fc.string({ unit: "binary" }), NO_TABLES, async (body) => {
      const { status } = await push(body);
      if (status !== 422) throw new Error(`answered ${status}`);
    });
    await expectBothAnswer();
  });
});

neighboursSuite(() => world, PORT);

describe("manifests of any shape", () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  afterAll(() => agent.destroy());

  /** What the parts of a table lead to, each by all of its names. */
  function waysTo({
    namespace,
    environments,
    domains = [],
  }: ProjectRoutesInput): { host: string; at: string }[] {
    return Object.keys(environments).flatMap((kind) => [
      { host: "localhost", at: `/projects/${namespace}/${kind}` },
      { host: `${kind}--${slugOf(namespace)}.localhost`, at: "" },
      ...domains
        .filter(({ environment }) => environment === kind)
        .map(({ name }) => ({ host: name, at: "" })),
    ]);
  }

  /** The ports to which a request for `path` may be led: those of the longest prefix that it begins with. */
  function portsOf({ environments }: ProjectRoutesInput, path: string): number[] {
    const services = Object.values(environments).flatMap((environment) => environment?.services ?? []);
    const found = services
      .filter(({ prefix }) => prefix === "/" || path === prefix || path.startsWith(`${prefix}/`))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    return found.slice(0, 1).flatMap(({ upstreams }) => upstreams.map(({ port }) => port));
  }

  test(`are refused, or become tables that the gateway takes and that lead nobody astray (${MANIFESTS} of them)`, async () => {
    const verdicts = { refused: 0, taken: 0, claimed: 0 };
    const answers = { served: 0, other: 0 };
    await tryAll(manifests, MANIFESTS, async (manifest, lane) => {
      const table = await tableOf(ofLane(manifest, lane), fuzzedOf(lane), fuzzed.address);
      if (!table) {
        verdicts.refused += 1;
        return;
      }
      try {
        await world.gateway.pushProject(table);
      } catch (error) {
        // The only thing that a manifest cannot know: whether a domain is somebody's already.
        if (!(error instanceof GatewayError && error.kind === "taken" && table.domains?.length)) throw error;
        verdicts.claimed += 1;
        return;
      }
      verdicts.taken += 1;
      const prefixes = Object.values(table.environments).flatMap(
        (environment) => environment?.services.map(({ prefix }) => prefix) ?? [],
      );
      // Each way to one of the prefixes, in turn.
      const paths = [...new Set(["/", ...prefixes])];
      for (const [index, { host, at }] of waysTo(table).entries()) {
        const path = paths[(index + verdicts.taken) % paths.length]!;
        const { status, body } = await ask(PORT, at + path, { host, agent });
        const by = /^\{"name":"(\w+)","port":(\d+)/.exec(body);
        answers[by ? "served" : "other"] += 1;
        if (by && (by[1] !== "fuzzed" || !portsOf(table, path).includes(Number(by[2]))))
          throw new Error(`${host}${at}${path}: answered by ${body.slice(0, 60)}`);
        // What no container answers is a page, or a redirect; nothing is a fault of ours.
        if (status === 500) throw new Error(`${host}${at}${path}: a fault: ${body}`);
      }
    });
    expect(Math.min(verdicts.refused, verdicts.taken)).toBeGreaterThan(MANIFESTS / 20);
    expect(verdicts.claimed).toBeLessThan(MANIFESTS / 4);
    expect(Math.min(...Object.values(answers))).toBeGreaterThan(MANIFESTS / 20);
    await expectBothAnswer();
  });
});

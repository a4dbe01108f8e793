import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { quantile } from "../../scripts/bench/quantiles.ts";
import { debianPrograms, type Program } from "./debianPrograms.ts";
import { attackSlowly, SLOW_KINDS, startUsers, type SlowKind } from "./slowClients.ts";
import { routesTo, World } from "./world.ts";

/** slowhttptest against one project and against its neighbour's: the gateway goes on serving everybody else. */

const PORT = 28_088;
const SHOP = "project_1700000000061_shopaaaa";
const BLOG = "project_1700000000062_blogbbbb";

let world: World;
let folder: string;
let slowhttptest: Program;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-slow-"));
  ({ slowhttptest } = await debianPrograms(["slowhttptest"], ["slowhttptest"], folder));
  world = await World.start("gwslow23", PORT, "10.249.16");
  for (const [namespace, name] of [
    [SHOP, "shop"],
    [BLOG, "blog"],
  ] as const) {
    const upstream = await world.upstream(name, [await world.network(namespace, "dev")]);
    const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
    const limits = { project: unlimited, client: unlimited };
    await world.gateway.pushProject(routesTo(namespace, { dev: [upstream] }, { limits }));
  }
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
  expect(faults).toEqual([]);
});

test.each(Object.keys(SLOW_KINDS) as SlowKind[])(
  "a thousand clients with slow %s cost others no request, of the same project or of another",
  async (kind) => {
    const users = [SHOP, BLOG].map((namespace) => startUsers(PORT, `/projects/${namespace}/dev/`));
    const connected = await attackSlowly(slowhttptest, kind, world.url(`/projects/${SHOP}/dev`));
    for (const { stop } of users) {
      const { tookMs, failed } = await stop();
      const [p99, most] = [quantile(tookMs, 0.99), Math.max(...tookMs)].map(Math.round);
      console.log(`slow ${kind}: ${tookMs.length} requests of others, p99 ${p99} ms, most ${most} ms`);
      expect(failed).toEqual([]);
      expect(tookMs.length).toBeGreaterThan(100);
    }
    // It was a real one.
    expect(connected).toBeGreaterThan(100);
  },
);

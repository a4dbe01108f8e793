import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { quantile } from "../../../scripts/bench/quantiles.ts";
import { gatewayName } from "../../../worker/gateway/config.ts";
import { ask } from "../client.ts";
import { debianPrograms, type Program } from "../debianPrograms.ts";
import { routesTo, World, type Upstream } from "../world.ts";
import { gatewayAddress, minimalProxy, SERVER, startNginx } from "./nginx.ts";
import { wrk, type Load } from "./throughput.ts";

/**
 * npm run bench:gateway: throughput and p99 through the gateway beside nginx with a configuration by hand, in turns; how
 * long a new route takes to be proven live, and what memory it takes, with ever more projects; others' requests while
 * slowhttptest does its worst. SLIPWAY_BENCH_PAIRS and SLIPWAY_BENCH_SECONDS make it longer.
 */

const PORT = 28_199;
const SHOP = "project_1700000000097_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;
const PAIRS = Number(process.env.SLIPWAY_BENCH_PAIRS ?? 5);
const SECONDS = Number(process.env.SLIPWAY_BENCH_SECONDS ?? 5);
const CONNECTIONS = 64;
const PROJECTS = [10, 1_000, 5_000];
const SWITCHES = 300;
const UNLIMITED = { perSecond: 1_000_000, burst: 1_000_000 };

const run = promisify(execFile);
const say = (line: string) => process.stdout.write(`${line}\n`);
const round = (value: number, digits = 2) => Number(value.toFixed(digits));

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  const world = await World.start("gwbenc23", PORT, "10.249.13");
  try {
    const programs = await debianPrograms(
      ["wrk", "slowhttptest"],
      ["wrk", "slowhttptest", "libluajit-5.1-2", "libluajit-5.1-common"],
      folder,
    );
    const network = await world.network(SHOP, "dev");
    const server = await startNginx(world, "server", network, SERVER);
    const shop = { id: "", name: "server", address: server.address, port: 3000, egressAddress: null };
    await world.gateway.pushProject(routes(SHOP, shop));
    await compareThroughput(world, shop, programs.wrk);
    if (process.env.SLIPWAY_BENCH_ONLY === "throughput") return;
    await timeSwitches(world, shop);
    await endureSlowClients(world, programs.slowhttptest);
    await server.remove();
  } finally {
    await world.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function routes(namespace: string, upstream: Upstream) {
  return routesTo(namespace, { dev: [upstream] }, { limits: { project: UNLIMITED, client: UNLIMITED } });
}

async function compareThroughput(world: World, shop: Upstream, program: Program): Promise<void> {
  // On the gateway's own bridge, so that both reach the server the same way.
  const byHand = await startNginx(
    world,
    "by-hand",
    gatewayName(world.instanceId),
    minimalProxy(`${shop.address}:3000`),
  );
  const proxies = {
    gateway: {
      url: `http://${await gatewayAddress(world)}:8080${AT_SHOP}/`,
      cpuNs: () => cpuNs(world, gatewayName(world.instanceId)),
    },
    byHand: { url: `http://${byHand.address}:8080/`, cpuNs: () => cpuNs(world, byHand.id) },
  };
  const load = ({ url, ...of }: (typeof proxies)["byHand"], seconds = SECONDS) =>
    wrk(program, url, { ...of, seconds, connections: CONNECTIONS });
  await load(proxies.gateway, 2);
  await load(proxies.byHand, 2);
  const pairs: { gateway: Load; byHand: Load }[] = [];
  for (let count = 0; count < PAIRS; count += 1) {
    const order = count % 2 === 0;
    const first = await load(order ? proxies.gateway : proxies.byHand);
    const second = await load(order ? proxies.byHand : proxies.gateway);
    pairs.push(order ? { gateway: first, byHand: second } : { gateway: second, byHand: first });
  }
  await byHand.remove();
  report("requests/s", pairs, ({ perSecond }) => perSecond);
  report("p99 ms", pairs, ({ p99Ms }) => p99Ms);
  report("CPU µs a request", pairs, ({ cpuUs }) => cpuUs);
  say(`errors: ${pairs.reduce((sum, { gateway, byHand: other }) => sum + gateway.errors + other.errors, 0)}`);
}

function report(
  what: string,
  pairs: readonly { gateway: Load; byHand: Load }[],
  value: (load: Load) => number,
): void {
  const spread = (values: number[]) =>
    `${round(quantile(values, 0.5))} (${round(Math.min(...values))}–${round(Math.max(...values))})`;
  const ratios = pairs.map(({ gateway, byHand }) => value(gateway) / value(byHand));
  say(
    `${what}: gateway ${spread(pairs.map(({ gateway }) => value(gateway)))}, ` +
      `by hand ${spread(pairs.map(({ byHand }) => value(byHand)))}, ratio ${spread(ratios)}, ${pairs.length} pairs`,
  );
}

async function timeSwitches(world: World, shop: Upstream): Promise<void> {
  for (const count of PROJECTS) {
    const others = Array.from(
      { length: count - 1 },
      (_, number) => `project_1700000001000_bench${String(number).padStart(5, "0")}`,
    );
    await world.gateway.pushAll([routes(SHOP, shop), ...others.map((other) => routes(other, shop))]);
    const tookMs: number[] = [];
    for (let turn = 0; turn < SWITCHES; turn += 1) {
      const started = performance.now();
      const version = await world.gateway.pushProject(routes(SHOP, shop));
      const proof = await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" });
      if (proof.version !== version || proof.status !== 200) throw new Error(JSON.stringify(proof));
      tookMs.push(performance.now() - started);
    }
    say(
      `${count} projects: route proven live after ${round(quantile(tookMs, 0.5))} ms, ` +
        `p95 ${round(quantile(tookMs, 0.95))} ms, most ${round(Math.max(...tookMs))} ms; ` +
        `memory ${round((await memoryBytes(world)) / 1024 ** 2, 1)} MiB`,
    );
  }
  await world.gateway.pushAll([routes(SHOP, shop)]);
}

async function cpuNs(world: World, container: string): Promise<number> {
  const stats = await world.docker.getContainer(container).stats({ stream: false, "one-shot": true });
  return stats.cpu_stats.cpu_usage.total_usage;
}

/** Without the page cache. */
async function memoryBytes(world: World): Promise<number> {
  const stats = await world.docker.getContainer(gatewayName(world.instanceId)).stats({ stream: false });
  const { usage, stats: more } = stats.memory_stats as { usage: number; stats: Record<string, number> };
  return usage - (more.total_inactive_file ?? more.inactive_file ?? 0);
}

async function endureSlowClients(world: World, { path, env }: Program): Promise<void> {
  const kinds = { "slow headers": "-H", "slow bodies": "-B", "slow reading": "-X" };
  for (const [name, flag] of Object.entries(kinds)) {
    const attack = run(
      path,
      [flag, "-c", "1000", "-r", "500", "-i", "2", "-l", "12", "-u", world.url(`${AT_SHOP}/`), "-x", "24"],
      { env, timeout: 60_000 },
    ).catch((error: Error) => error);
    let going = true;
    void attack.finally(() => (going = false));
    const tookMs: number[] = [];
    let failed = 0;
    const agent = new http.Agent({ keepAlive: true });
    while (going) {
      const started = performance.now();
      const status = await ask(PORT, `${AT_SHOP}/`, tookMs.length % 2 ? { agent } : {}).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status !== 200) failed += 1;
      tookMs.push(performance.now() - started);
    }
    agent.destroy();
    const ended = await attack;
    if (ended instanceof Error && !("code" in ended)) throw ended;
    say(
      `slowhttptest, ${name}: ${tookMs.length} requests of others, ${failed} failed, ` +
        `p99 ${round(quantile(tookMs, 0.99))} ms, most ${round(Math.max(...tookMs))} ms`,
    );
  }
}

await main();

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quantile } from "../../../scripts/bench/quantiles.ts";
import { gatewayName } from "../../../worker/gateway/config.ts";
import { debianPrograms, type Program } from "../debianPrograms.ts";
import { attackSlowly, SLOW_KINDS, startUsers, type SlowKind } from "../slowClients.ts";
import { routesTo, World, type Upstream } from "../world.ts";
import { goalLines, type Measured } from "./goals.ts";
import { gatewayAddress, minimalProxy, SERVER, startNginx } from "./nginx.ts";
import { wrk, type Load } from "./throughput.ts";

/**
 * npm run bench:gateway: throughput and p99 through the gateway beside nginx with a configuration by hand, in turns; how
 * long a new route takes to be proven live, and what memory it takes, with ever more projects; how many routes can change
 * in a second; others' requests while slowhttptest does its worst. Its last lines say which goals were reached. SLIPWAY_BENCH_ROUNDS and
 * SLIPWAY_BENCH_SECONDS make it longer.
 */

const PORT = 28_199;
const SHOP = "project_1700000000097_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;
const ROUNDS = Number(process.env.SLIPWAY_BENCH_ROUNDS ?? 5);
const SECONDS = Number(process.env.SLIPWAY_BENCH_SECONDS ?? 5);
const CONNECTIONS = 64;
const PROJECTS = [10, 1_000, 5_000];
const SWITCHES = 300;
const CHANGES = 10_000;
const CHANGED_PROJECTS = 40;
const UNLIMITED = { perSecond: 1_000_000, burst: 1_000_000 };

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
    const goals: Partial<Measured> = { throughputRatio: await compareThroughput(world, shop, programs.wrk) };
    if (process.env.SLIPWAY_BENCH_ONLY !== "throughput") {
      goals.switches = await timeSwitches(world, shop);
      const changes = await changeRoutes(world, shop);
      goals.changesPerSecond = changes.perSecond;
      goals.failed = changes.failed + (await endureSlowClients(world, network, programs.slowhttptest));
    }
    await server.remove();
    for (const line of goalLines(goals)) say(line);
  } finally {
    await world.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function routes(namespace: string, upstream: Upstream) {
  return routesTo(namespace, { dev: [upstream] }, { limits: { project: UNLIMITED, client: UNLIMITED } });
}

type Proxy = { url: string; cpuNs: () => Promise<number> };
type Round = { gateway: Load; byHand: Load; byHandLogging: Load };

/**
 * The gateway with all that it does (two nginx workers, routes, rates, limits, its log of requests) beside nginx with a
 * configuration by hand, without a log of requests and with the ordinary one. Each is asked in turn, in changing order.
 * @returns the median of the gateway's requests a second over those of the one without a log
 */
async function compareThroughput(world: World, shop: Upstream, program: Program): Promise<number> {
  // On the gateway's own bridge, so that all reach the server the same way.
  const byHand = (name: string, accessLog: boolean) =>
    startNginx(
      world,
      name,
      gatewayName(world.instanceId),
      minimalProxy(`${shop.address}:3000`, { accessLog }),
    );
  const silent = await byHand("by-hand", false);
  const logging = await byHand("by-hand-logging", true);
  const proxies: Record<keyof Round, Proxy> = {
    gateway: {
      url: `http://${await gatewayAddress(world)}:8080${AT_SHOP}/`,
      cpuNs: () => cpuNs(world, gatewayName(world.instanceId)),
    },
    byHand: { url: `http://${silent.address}:8080/`, cpuNs: () => cpuNs(world, silent.id) },
    byHandLogging: { url: `http://${logging.address}:8080/`, cpuNs: () => cpuNs(world, logging.id) },
  };
  const load = ({ url, cpuNs }: Proxy, seconds = SECONDS) =>
    wrk(program, url, { cpuNs, seconds, connections: CONNECTIONS });
  const names = Object.keys(proxies) as (keyof Round)[];
  for (const name of names) await load(proxies[name], 2);
  const rounds: Round[] = [];
  for (let count = 0; count < ROUNDS; count += 1) {
    const round: Partial<Round> = {};
    for (const turn of names.keys()) {
      const name = names[(turn + count) % names.length]!;
      round[name] = await load(proxies[name]);
    }
    rounds.push(round as Round);
  }
  await silent.remove();
  await logging.remove();
  report("requests/s", rounds, ({ perSecond }) => perSecond);
  report("p99 ms", rounds, ({ p99Ms }) => p99Ms);
  report("CPU µs a request", rounds, ({ cpuUs }) => cpuUs);
  const errors = rounds.flatMap((round) => Object.values(round)).reduce((sum, one) => sum + one.errors, 0);
  say(`errors: ${errors}`);
  const ratios = rounds.map(({ gateway, byHand }) => gateway.perSecond / byHand.perSecond);
  return quantile(ratios, 0.5);
}

/** Median (least–most) of each, and of the gateway's ratios to the others within a round. */
function report(what: string, rounds: readonly Round[], value: (load: Load) => number): void {
  const spread = (of: (round: Round) => number) => {
    const values = rounds.map(of);
    return `${round(quantile(values, 0.5))} (${round(Math.min(...values))}–${round(Math.max(...values))})`;
  };
  say(`${what}, ${rounds.length} rounds:`);
  say(`  gateway ${spread(({ gateway }) => value(gateway))}`);
  for (const [name, other] of [
    ["by hand", "byHand"],
    ["by hand with an access log", "byHandLogging"],
  ] as const) {
    const ratio = spread((round) => value(round.gateway) / value(round[other]));
    say(`  ${name} ${spread((round) => value(round[other]))}, gateway to it ${ratio}`);
  }
}

async function timeSwitches(world: World, shop: Upstream): Promise<Measured["switches"]> {
  const measured: Measured["switches"] = [];
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
    const p95Ms = quantile(tookMs, 0.95);
    const memoryMiB = (await memoryBytes(world)) / 1024 ** 2;
    measured.push({ projects: count, p95Ms, memoryMiB });
    say(
      `${count} projects: route proven live after ${round(quantile(tookMs, 0.5))} ms, ` +
        `p95 ${round(p95Ms)} ms, most ${round(Math.max(...tookMs))} ms; memory ${round(memoryMiB, 1)} MiB`,
    );
  }
  await world.gateway.pushAll([routes(SHOP, shop)]);
  return measured;
}

/** Other projects' routes change as fast as the worker's side can push them, and one is asked all the while. */
async function changeRoutes(world: World, shop: Upstream): Promise<{ perSecond: number; failed: number }> {
  const others = Array.from(
    { length: CHANGED_PROJECTS },
    (_, number) => `project_1700000001000_bench${String(number).padStart(5, "0")}`,
  );
  const users = startUsers(PORT, `${AT_SHOP}/`);
  const started = performance.now();
  await Promise.all(
    others.map(async (other) => {
      for (let count = 0; count < CHANGES / CHANGED_PROJECTS; count += 1)
        await world.gateway.pushProject(routes(other, shop));
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const { tookMs, failed } = await users.stop();
  say(
    `${CHANGES} route changes of ${CHANGED_PROJECTS} others, ${Math.round(CHANGES / seconds)} a second: ` +
      `${tookMs.length} requests, ${failed.length} failed, p99 ${round(quantile(tookMs, 0.99))} ms`,
  );
  return { perSecond: CHANGES / seconds, failed: failed.length };
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

/** @returns how many requests of others failed */
async function endureSlowClients(world: World, network: string, program: Program): Promise<number> {
  // One that waits for bodies, as the quick server does not.
  const patient = await world.upstream("patient", [network]);
  await world.gateway.pushProject(routes(SHOP, patient));
  let allFailed = 0;
  for (const kind of Object.keys(SLOW_KINDS) as SlowKind[]) {
    const users = startUsers(PORT, `${AT_SHOP}/`);
    const connected = await attackSlowly(program, kind, world.url(AT_SHOP));
    const { tookMs, failed } = await users.stop();
    allFailed += failed.length;
    say(
      `slowhttptest, slow ${kind}, ${connected} at once: ${tookMs.length} requests of others, ${failed.length} failed, ` +
        `p99 ${round(quantile(tookMs, 0.99))} ms, most ${round(Math.max(...tookMs))} ms`,
    );
  }
  return allFailed;
}

await main();

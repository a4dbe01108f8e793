/**
 * `npm run bench:switch [-- --switches 100 --rollbacks 10 --scalings 10 --kills 10 --lanes 8 --json]`: so many blue-green
 * switches of a service of two replicas under constant load, by a real worker on real Docker behind a real nginx; then
 * rollbacks to the release that is kept ready, scaling to three, to one and back to two, and containers killed. Prints how
 * many requests were sent and lost in each, how long switches took, and latencies as the clients saw them. Exit code 1
 * where a request was lost that need not have been, or a POST was sent twice.
 */
import { parseArgs } from "node:util";
import { RECEIPT_PHASES } from "../../core/rollout.ts";
import { quantile } from "../../scripts/bench/quantiles.ts";
import { createProgress } from "../../scripts/progress/progress.mjs";
import { World } from "../worker/world.ts";
import { killUnderLoad } from "./kill.ts";
import { startLoad, type Load } from "./load.ts";
import { Deploys } from "./world.ts";

const PORT = 28_392;

const { values } = parseArgs({
  options: {
    switches: { type: "string", default: "100" },
    rollbacks: { type: "string", default: "10" },
    scalings: { type: "string", default: "10" },
    kills: { type: "string", default: "10" },
    lanes: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const number = (text: string, least: number) => Math.max(least, Number(text) || 0);
const switches = number(values.switches, 1);
const lanes = number(values.lanes, 1);

const progress = createProgress();
const world = await World.make("switches", PORT);
const shop = await Deploys.make(world, "shop");
const ms = (numbers: number[], share: number) => Math.round(quantile(numbers, share) * 10) / 10;

type Turn = { toSwitchMs: number; wholeMs: number; failedByReceipt: number; isLive: boolean };

async function deploy(release: Parameters<Deploys["deploy"]>[0]): Promise<Turn> {
  const started = performance.now();
  const { state, startedAt, switchedAt, receipt } = await shop.deploy(release);
  return {
    toSwitchMs: (switchedAt ?? startedAt) - startedAt,
    wholeMs: performance.now() - started,
    failedByReceipt: RECEIPT_PHASES.reduce((sum, phase) => sum + (receipt?.[phase].failed ?? 0), 0),
    isLive: state === "live",
  };
}

/** Does `turn` so often under constant load. */
async function underLoad<T>(what: string, count: number, turn: (index: number) => Promise<T>) {
  const step = progress.step(`${count} ${what} under load`);
  const { stop } = startLoad(PORT, shop.base, { lanes, sockets: 2, lasting: true });
  const turns: T[] = [];
  for (let index = 0; index < count; index += 1) {
    turns.push(await turn(index));
    step.detail(`${index + 1} of ${count}`);
  }
  const load = await stop();
  step.done();
  return { turns, load, totals: totals(load) };
}

function totals({ sent, failures, sockets, lasting, latenciesMs }: Load) {
  return {
    ...{ requests: sent, lost: failures.length, webSockets: sockets, ofSeconds: lasting.length },
    ...(latenciesMs.length > 0 && {
      latencyMs: { p50: ms(latenciesMs, 0.5), p99: ms(latenciesMs, 0.99), worst: ms(latenciesMs, 1) },
    }),
  };
}

function summary(turns: readonly Turn[]) {
  const of = (value: (turn: Turn) => number) => turns.map(value);
  const spread = (all: number[]) => (all.length === 0 ? null : { p50: ms(all, 0.5), p95: ms(all, 0.95) });
  return {
    ...{ count: turns.length, notLive: turns.filter(({ isLive }) => !isLive).length },
    failedByReceipt: of(({ failedByReceipt }) => failedByReceipt).reduce((sum, one) => sum + one, 0),
    toSwitchMs: spread(of(({ toSwitchMs }) => toSwitchMs)),
    wholeMs: spread(of(({ wholeMs }) => wholeMs)),
  };
}

/** Until so many serve and there are no others: what still finishes would only be taken back by the next scaling. */
async function scale(replicas: number, release: number): Promise<void> {
  shop.scale(replicas);
  await world.eventually(`${replicas} serve`, async () => {
    const [upstreams, ids] = await Promise.all([shop.upstreams(), shop.idsOf(release)]);
    return upstreams === replicas && ids.length === replicas;
  });
}

async function kills(count: number, release: number) {
  const step = progress.step(`${count} containers killed under load`);
  const sum = { count, gets: 0, failedGets: 0, posts: 0, lostPosts: 0, twice: 0 };
  for (let index = 0; index < count; index += 1) {
    const [victim] = await shop.idsOf(release);
    const killed = await killUnderLoad(shop, PORT, victim!, index);
    sum.gets += killed.gets;
    sum.posts += killed.posts;
    sum.failedGets += killed.failedGets.length;
    sum.lostPosts += killed.lostPosts.length;
    sum.twice += killed.twice.length;
    await world.eventually("both serve again", async () => (await shop.upstreams()) === 2);
    step.detail(`${index + 1} of ${count}`);
  }
  step.done();
  return sum;
}

try {
  await world.startWorker();
  await shop.deploy(shop.make("v0"));
  const switched = await underLoad("switches", switches, (index) => deploy(shop.make(`v${index + 1}`)));
  const rolledBack = await underLoad("rollbacks", number(values.rollbacks, 0), async (index) => {
    // The last two releases in turn: the one that is kept ready, and the one that it takes over from.
    const [from, to] = index % 2 === 0 ? [switches + 1, switches] : [switches, switches + 1];
    const turn = await deploy(shop.release(to));
    await world.eventually("the other one is kept ready", async () => {
      const states = await shop.statesOf(from);
      return states.length === 2 && states.every((state) => state === "paused");
    });
    return turn;
  });
  const live = rolledBack.turns.length % 2 === 0 ? switches + 1 : switches;
  const scaled = await underLoad("scalings", number(values.scalings, 0), async () => {
    for (const replicas of [3, 1, 2]) await scale(replicas, live);
  });
  const killed = await kills(number(values.kills, 0), live);

  const result = {
    switches: { ...summary(switched.turns), ...switched.totals },
    rollbacks: { ...summary(rolledBack.turns), ...rolledBack.totals },
    scalings: { count: scaled.turns.length, ...scaled.totals },
    kills: killed,
  };
  const told = ({ requests, webSockets, ofSeconds, lost, latencyMs }: ReturnType<typeof totals>) =>
    `${requests} requests and ${webSockets} WebSockets, ${ofSeconds} more that took seconds; ${lost} lost` +
    (latencyMs ? `; p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, worst ${latencyMs.worst} ms` : "");
  const took = ({ toSwitchMs, wholeMs }: ReturnType<typeof summary>) =>
    toSwitchMs && wholeMs
      ? `  from wanted to switched p50 ${toSwitchMs.p50} ms, p95 ${toSwitchMs.p95} ms; to watched and live ` +
        `p50 ${wholeMs.p50} ms, p95 ${wholeMs.p95} ms`
      : "  none";
  const failures = [switched, rolledBack, scaled].flatMap(({ load }) => load.failures);
  const text = [
    `${result.switches.count} switches: ${told(switched.totals)}`,
    took(result.switches),
    `${result.rollbacks.count} rollbacks: ${told(rolledBack.totals)}`,
    took(result.rollbacks),
    `${result.scalings.count} times to three replicas, to one and to two: ${told(scaled.totals)}`,
    `${killed.count} containers killed: ${killed.gets} GETs, ${killed.failedGets} lost; ${killed.posts} POSTs, ` +
      `${killed.lostPosts} lost with their container, ${killed.twice} sent twice`,
    ...failures.slice(0, 10).map((failure) => `lost: ${failure}`),
  ].join("\n");
  process.stdout.write(`${values.json ? JSON.stringify(result, null, 2) : text}\n`);
  const notLive = result.switches.notLive + result.rollbacks.notLive;
  if (failures.length + notLive + killed.failedGets + killed.twice > 0) process.exitCode = 1;
} finally {
  progress.close();
  await world.end();
}

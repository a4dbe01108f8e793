/**
 * `npm run bench:switch [-- --switches 100 --lanes 8 --json]`: so many blue-green switches of a service of two replicas
 * under constant load, by a real worker on real Docker behind a real nginx. Prints how many requests were sent and lost,
 * how long switches took, and latencies as the clients saw them. Exit code 1 where a request was lost.
 */
import { parseArgs } from "node:util";
import { RECEIPT_PHASES } from "../../core/rollout.ts";
import { quantile } from "../../scripts/bench/quantiles.ts";
import { createProgress } from "../../scripts/progress/progress.mjs";
import { World } from "../worker/world.ts";
import { startLoad } from "./load.ts";
import { Deploys } from "./world.ts";

const PORT = 28_392;

const { values } = parseArgs({
  options: {
    switches: { type: "string", default: "100" },
    lanes: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const switches = Math.max(1, Number(values.switches) || 0);
const lanes = Math.max(1, Number(values.lanes) || 0);

const progress = createProgress();
const world = await World.make("switches", PORT);
try {
  await world.startWorker();
  const shop = await Deploys.make(world, "shop");
  await shop.deploy(shop.make("v0"));
  const step = progress.step(`${switches} switches under load`);
  const { stop } = startLoad(PORT, shop.base, { lanes, sockets: 2 });
  const toSwitch: number[] = [];
  const whole: number[] = [];
  let failedByReceipt = 0;
  let notLive = 0;
  for (let count = 1; count <= switches; count += 1) {
    const started = performance.now();
    const { state, startedAt, switchedAt, receipt } = await shop.deploy(shop.make(`v${count}`));
    if (state !== "live") notLive += 1;
    whole.push(performance.now() - started);
    toSwitch.push((switchedAt ?? startedAt) - startedAt);
    for (const phase of RECEIPT_PHASES) failedByReceipt += receipt?.[phase].failed ?? 0;
    step.detail(`${count} of ${switches}`);
  }
  const { sent, failures, sockets, latenciesMs } = await stop();
  step.done();
  const ms = (numbers: number[], share: number) => Math.round(quantile(numbers, share) * 10) / 10;
  const result = {
    ...{ switches, notLive, requests: sent, lost: failures.length, failedByReceipt, webSockets: sockets },
    latencyMs: { p50: ms(latenciesMs, 0.5), p99: ms(latenciesMs, 0.99), worst: ms(latenciesMs, 1) },
    toSwitchMs: { p50: ms(toSwitch, 0.5), p95: ms(toSwitch, 0.95) },
    wholeMs: { p50: ms(whole, 0.5), p95: ms(whole, 0.95) },
  };
  const { latencyMs, toSwitchMs, wholeMs } = result;
  const text = [
    `${switches} switches: ${sent} requests and ${sockets} WebSockets, ${failures.length} lost`,
    `latency (a fifth of them sleep 300 ms)   p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, worst ${latencyMs.worst} ms`,
    `from wanted to switched                  p50 ${toSwitchMs.p50} ms, p95 ${toSwitchMs.p95} ms`,
    `from wanted to watched and live          p50 ${wholeMs.p50} ms, p95 ${wholeMs.p95} ms`,
    ...failures.slice(0, 10).map((failure) => `lost: ${failure}`),
  ].join("\n");
  process.stdout.write(`${values.json ? JSON.stringify(result, null, 2) : text}\n`);
  if (failures.length > 0 || notLive > 0) process.exitCode = 1;
} finally {
  progress.close();
  await world.end();
}

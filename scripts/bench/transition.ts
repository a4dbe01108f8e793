/**
 * `npm run bench:transition [-- --pairs 12 --stack node --json]`: how long a project takes from the committed mutation
 * to the first 200 through nginx, beside a plain dockerode script that makes the same containers.
 *
 * What is compared, in each pair, one right after the other, in turns first and second:
 * - Slipway: `projects:updateProjectStatus` to `development`. The clock starts inside the mutation, at the time that it
 *   writes as `statusChangedAt`, so the commit itself counts too; it stops at the first 200 of the environment's URL. In
 *   between: the commit, the subscription, the worker, Docker, the worker's own probe, the route.
 * - Plain: `plainProject.ts`. Same image, command, limits, health check, two networks with subnets of the same size and
 *   bridges of the same prefix, a volume with the same starter files, and a route pushed to the same nginx; the same
 *   rendering, done before its clock starts. It makes networks and volume at once, waits for no health, keeps no
 *   record, and polls the same kind of URL of the same nginx in the same way. It is what the machine can do at best.
 *
 * The Slipway that is measured is one of its own, in a temporary data directory, and is purged at the end.
 */
import { parseArgs } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { api } from "../../convex/_generated/api.js";
import { environmentPath } from "../../core/routes.ts";
import { TestInstance } from "../../tests/firstLight/instance.ts";
import { SocketGateway } from "../../worker/gateway/socketGateway.ts";
import { openSession, type Session } from "../cli/lib/session.ts";
import { hasSettled } from "../cli/lib/settle.ts";
import { createProgress } from "../progress/progress.mjs";
import { bringUpPlainly, removePlainly } from "./plainProject.ts";
import { renderPlainProject } from "./renderPlainProject.ts";
import { median, quantile } from "./quantiles.ts";

const POLL_EVERY_MS = 2;
const SERVES_WITHIN_MS = 60_000;
const LEAST_PAIRS = 10;

const { values: options } = parseArgs({
  options: {
    pairs: { type: "string", default: "12" },
    stack: { type: "string", default: "node" },
    json: { type: "boolean", default: false },
  },
});
const pairs = Math.max(LEAST_PAIRS, Number(options.pairs) || 0);
const { stack } = options;

const docker = new Docker();
const progress = createProgress();
const slipway = await TestInstance.make();
try {
  const starting = progress.step("Starting a Slipway of its own");
  await slipway.must("up", "-d");
  starting.done();
  const session = await openSession(slipway.dataDir);
  const gateway = new SocketGateway(slipway.dataDir);
  // The first of each pays for cold caches; it is not counted.
  await measureOurs(session, "warm-up");
  await measurePlain(session, gateway, 0);
  const measured: { ours: number; plain: number }[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const step = progress.step(`Pair ${pair} of ${pairs}`);
    const order = pair % 2 === 1 ? (["ours", "plain"] as const) : (["plain", "ours"] as const);
    const times = { ours: 0, plain: 0 };
    for (const who of order) {
      times[who] =
        who === "ours"
          ? await measureOurs(session, `bench-${pair}`)
          : await measurePlain(session, gateway, pair);
    }
    measured.push(times);
    step.done(`Pair ${pair}: Slipway ${ms(times.ours)}, plain ${ms(times.plain)}, ratio ${ratio(times)}`);
  }
  report(measured);
} finally {
  const removing = progress.step("Removing it again");
  await slipway.destroy();
  removing.done();
  progress.close();
}

/** @returns ms from the time that the mutation wrote to the first 200 */
async function measureOurs(session: Session, name: string): Promise<number> {
  const { namespace } = await session.http.mutation(api.projects.createProject, { name, stack });
  await session.http.mutation(api.projects.updateProjectStatus, { project: name, to: "planning" });
  await session.http.mutation(api.projects.updateProjectStatus, { project: name, to: "development" });
  await untilServed(session, namespace);
  const servedAt = Date.now();
  const view = await session.http.query(api.projects.getProject, { project: namespace });
  await session.subscribed(async (client) => {
    await new Promise<void>((resolve, reject) => {
      client.onUpdate(
        api.projects.getProject,
        { project: namespace },
        (view) => view && hasSettled(view) && resolve(),
        reject,
      );
    });
    await client.mutation(api.projects.deleteProject, { project: namespace });
    await new Promise<void>((resolve, reject) => {
      client.onUpdate(
        api.projects.getProject,
        { project: namespace },
        (view) => view === null && resolve(),
        reject,
      );
    });
  });
  return servedAt - view!.statusChangedAt;
}

/**
 * Measured again where the worker's look at everything, once a minute, took the route away: it belongs to no project.
 * @returns ms from the first call to Docker to the first 200
 */
async function measurePlain(session: Session, gateway: SocketGateway, index: number): Promise<number> {
  for (;;) {
    const took = await measurePlainOnce(session, gateway, index);
    if (took !== null) return took;
  }
}

async function measurePlainOnce(
  session: Session,
  gateway: SocketGateway,
  index: number,
): Promise<number | null> {
  const project = await renderPlainProject(session.instance.instanceId, index, { stack });
  try {
    const began = performance.now();
    await bringUpPlainly(docker, gateway, project);
    const isServed = await untilServed(session, project.namespace, { routed: true });
    return isServed ? performance.now() - began : null;
  } finally {
    await removePlainly(docker, gateway, project);
  }
}

/** @returns false where the route is gone although it was `routed` */
async function untilServed(
  { instance }: Session,
  namespace: string,
  { routed } = { routed: false },
): Promise<boolean> {
  const url = `http://127.0.0.1:${instance.httpPort}${environmentPath(namespace, "dev")}/`;
  const until = performance.now() + SERVES_WITHIN_MS;
  while (performance.now() < until) {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null);
    await response?.body?.cancel();
    if (response?.status === 200) return true;
    if (routed && response?.status === 404) return false;
    await delay(POLL_EVERY_MS);
  }
  throw new Error(`${url} did not answer 200 within ${SERVES_WITHIN_MS / 1000} s`);
}

function report(measured: { ours: number; plain: number }[]): void {
  const ours = measured.map((pair) => pair.ours);
  const plain = measured.map((pair) => pair.plain);
  const ratios = measured.map((pair) => pair.ours / pair.plain);
  const summary = {
    stack,
    pairs: measured.length,
    medianMs: { slipway: median(ours), plain: median(plain) },
    ratio: {
      median: median(ratios),
      lowerQuartile: quantile(ratios, 0.25),
      upperQuartile: quantile(ratios, 0.75),
    },
    measured,
  };
  if (options.json) {
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return;
  }
  const { ratio: spread } = summary;
  process.stdout.write(
    [
      `${measured.length} pairs, stack ${stack}: committed mutation → first 200 through nginx`,
      `  median   Slipway ${ms(median(ours))}   plain ${ms(median(plain))}`,
      `  ratio    median ${spread.median.toFixed(2)}   quartiles ${spread.lowerQuartile.toFixed(2)} – ${spread.upperQuartile.toFixed(2)}`,
      "",
    ].join("\n"),
  );
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function ratio({ ours, plain }: { ours: number; plain: number }): string {
  return (ours / plain).toFixed(2);
}

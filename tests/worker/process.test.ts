import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProjectView } from "../../scripts/cli/lib/views.ts";
import { REPOSITORY } from "../../scripts/setup/dataDir.ts";
import { nodeCommand } from "../../scripts/setup/nodeCommand.ts";
import { SocketGateway } from "../../worker/gateway/socketGateway.ts";
import { installedNetworks } from "../../worker/gateway/upstreamNetworks.ts";
import { eventually, TestInstance } from "../firstLight/instance.ts";

/** The worker's process beside a real backend: two of them on one host, and a backend that is away for a while. */

const docker = new Docker();
let slipway: TestInstance;
let url: string;
let container: string;
beforeAll(async () => {
  slipway = await TestInstance.make();
  await slipway.up();
  const { httpPort } = await slipway.instance();
  const { namespace } = await slipway.json<ProjectView>("project", "show", "hello");
  container = `${namespace}-dev-app-1`;
  url = `http://localhost:${httpPort}/projects/${namespace}/dev/`;
  await eventually("hello serves", serves);
}, 600_000);
afterAll(async () => {
  await slipway?.destroy();
}, 120_000);

async function serves(): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
  return response?.status === 200;
}

async function workerLog(): Promise<string> {
  return await readFile(join(slipway.dataDir, "logs", "worker.log"), "utf8");
}

/** How often workers of this host have said `event`, the earlier ones too: they share a log. */
async function said(event: string): Promise<number> {
  return (await workerLog()).split(`"event":"${event}"`).length - 1;
}

/** The environment of the worker that runs, so that another can be started beside it. */
async function workerEnvironment(): Promise<NodeJS.ProcessEnv> {
  const text = await readFile(`/proc/${await slipway.pidOf("worker")}/environ`, "utf8");
  return Object.fromEntries(
    text
      .split("\0")
      .filter(Boolean)
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

test("the gateway takes routes to the control plane's subnets alone", async () => {
  const { namespace } = await slipway.json<ProjectView>("project", "show", "hello");
  const gateway = new SocketGateway(slipway.dataDir);
  const table = await gateway.routes(namespace);
  const [service] = table!.environments.dev!.services;
  const services = [{ ...service!, upstreams: [{ address: "172.17.0.1", port: 22 }] }];
  const environments = { dev: { state: "serving" as const, services } };
  const push = gateway.pushProject({ ...table!, version: table!.version + 1, environments });
  await expect(push).rejects.toMatchObject({
    kind: "invalid",
    message: expect.stringContaining("172.17.0.1 is in none of this gateway's upstream networks"),
  });
  const { subnetPool } = await slipway.instance();
  expect(await installedNetworks(slipway.dataDir)).toEqual([subnetPool]);
  expect(await serves()).toBe(true);
});

test("while the backend is away containers are mended, and what was wanted meanwhile is done when it is back", async () => {
  const backend = await slipway.pidOf("backend");
  process.kill(backend, "SIGSTOP");
  try {
    for (let round = 0; round < 2; round += 1) {
      const { StartedAt } = (await docker.getContainer(container).inspect()).State;
      await docker.getContainer(container).kill();
      await eventually("runs and serves again", async () => {
        const { State } = await docker.getContainer(container).inspect();
        return State.Running && State.StartedAt !== StartedAt && (await serves());
      });
    }
  } finally {
    process.kill(backend, "SIGCONT");
  }
  await slipway.must("transition", "hello", "paused", "--wait");
  expect((await docker.getContainer(container).inspect()).State.Running).toBe(false);
  await slipway.must("transition", "hello", "development", "--wait");
  expect(await serves()).toBe(true);
});

test("a worker that is asked to stop gives the host back, leaves containers running, and is started again", async () => {
  const worker = await slipway.pidOf("worker");
  const before = { stopped: await said("stopped"), ready: await said("ready") };
  process.kill(worker, "SIGTERM");
  await eventually("it says that it stopped", async () => (await said("stopped")) > before.stopped);
  expect(await serves()).toBe(true);
  // Only then has its successor registered the host: what comes later is later for certain.
  await eventually("its successor is ready", async () => (await said("ready")) > before.ready);
  expect(await slipway.pidOf("worker")).not.toBe(worker);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// The last one: the supervised worker stays down after it.
test("of two workers on one host the earlier one ends by itself, and containers do not notice", async () => {
  const startedAt = (await docker.getContainer(container).inspect()).State.StartedAt;
  const first = await slipway.pidOf("worker");
  expect(isRunning(first)).toBe(true);
  const fenced = await said("fenced");
  const [program, ...args] = nodeCommand("worker/main.ts");
  const second = spawn(program, args, {
    cwd: REPOSITORY,
    env: await workerEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  second.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => second.once("close", resolve));

  await eventually("the first is fenced off", async () => (await said("fenced")) > fenced);
  // Its supervisor keeps it down: started again, it would fence off the later one, and so on for ever.
  await eventually("the first has ended", async () => !isRunning(first));
  await eventually("the second serves the host", async () => log.includes('"event":"ready"'));
  expect(await serves()).toBe(true);
  expect((await docker.getContainer(container).inspect()).State.StartedAt).toBe(startedAt);
  second.kill("SIGTERM");
  expect(await ended).toBe(0);
});

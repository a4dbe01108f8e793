import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { environmentPath } from "../../../core/routes.ts";
import { containerName } from "../../../core/naming.ts";
import type { TestInstance } from "../../../tests/firstLight/instance.ts";
import { interruption } from "./interruption.ts";
import { develop, prepare, remove, SMALL, statusOf, untilServed, untilSettled } from "./projects.ts";

const LOOK_EVERY_MS = 5;
const WITHIN_MS = 60_000;

export type DriftRun = {
  /** From `docker kill` to the first 200 through the gateway of the container that was started again. */
  mendedMs: number;
  /** From a plain `docker start` of the same container to its first 200, asked directly. */
  startMs: number;
};

/** Kills one project's container `runs` times behind the worker's back; beside each, a plain start of one like it. */
export async function measureDrift(docker: Docker, slipway: TestInstance, runs: number): Promise<DriftRun[]> {
  const { httpPort } = await slipway.instance();
  const projects = await prepare(slipway.dataDir, ["drift"], { stack: "static", environments: SMALL });
  await develop(slipway.dataDir, projects);
  await untilSettled(slipway.dataDir, projects);
  const { namespace } = projects[0]!;
  await untilServed(httpPort, namespace);
  const container = docker.getContainer(containerName(namespace, "dev", "app", 1));
  const plain = await plainTwin(docker, container, namespace);
  try {
    const measured: DriftRun[] = [];
    for (let run = 0; run < runs; run++) {
      const startMs = await startPlainly(plain);
      measured.push({ mendedMs: await killAndWait(container, httpPort, namespace), startMs });
    }
    return measured;
  } finally {
    await plain.remove({ force: true, v: true });
    await remove(slipway.dataDir, projects);
  }
}

async function killAndWait(
  container: Docker.Container,
  httpPort: number,
  namespace: string,
): Promise<number> {
  const before = (await container.inspect()).State.StartedAt;
  const url = `http://127.0.0.1:${httpPort}${environmentPath(namespace, "dev")}/`;
  const began = performance.now();
  await container.kill();
  await until("the container is started again and answers", async () => {
    if ((await statusOf(url)) !== 200) return false;
    // The killed one cannot have answered: it is dead before the kill returns.
    return true;
  });
  const took = performance.now() - began;
  const { StartedAt } = (await container.inspect()).State;
  if (StartedAt === before)
    throw new Error("The gateway answered for a container that was not started again");
  await until("Docker says that it runs", async () => (await container.inspect()).State.Running);
  return took;
}

/** A container as the project's, without our labels and without a restart policy. */
async function plainTwin(
  docker: Docker,
  container: Docker.Container,
  namespace: string,
): Promise<Docker.Container> {
  const { Config, HostConfig } = await container.inspect();
  return await docker.createContainer({
    ...{ Image: Config.Image, User: Config.User, Env: Config.Env, Cmd: Config.Cmd },
    ...{ Entrypoint: Config.Entrypoint, WorkingDir: Config.WorkingDir },
    name: `${namespace}-plain`,
    HostConfig: { ...HostConfig, RestartPolicy: { Name: "no" } },
  });
}

async function startPlainly(container: Docker.Container): Promise<number> {
  const began = performance.now();
  await container.start();
  const { Networks } = (await container.inspect()).NetworkSettings;
  const url = `http://${Object.values(Networks)[0]!.IPAddress}:8080/`;
  await until("the plain container answers", async () => (await statusOf(url)) === 200);
  const took = performance.now() - began;
  await container.kill();
  return took;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${WITHIN_MS / 1000} s: ${what}`);
    await delay(LOOK_EVERY_MS, undefined, { signal: interruption });
  }
}

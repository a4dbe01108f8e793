import type Docker from "dockerode";
import type { TestInstance } from "../../../tests/firstLight/instance.ts";
import { SocketGateway } from "../../../worker/gateway/socketGateway.ts";
import { bringUpPlainly, removePlainly } from "../plainProject.ts";
import { renderPlainProject } from "../renderPlainProject.ts";
import { interruption } from "./interruption.ts";
import { develop, prepare, remove, side, SMALL, untilAllServed, untilSettled } from "./projects.ts";

/** What both bring up: two services of the same image, on two networks, with one workspace of the starters' files. */
const MANIFEST = {
  services: { web: { stack: "static", route: "/" }, other: { stack: "static" } },
  environments: SMALL,
};
export const CONTAINERS_EACH = 2;

/**
 * @returns ms from before the first mutation that wants a project developed until all serve and the control plane knows
 *   that all of their containers are ready
 */
export async function bringUpOurs(slipway: TestInstance, count: number, round: number): Promise<number> {
  const { httpPort } = await slipway.instance();
  const names = Array.from({ length: count }, (_, index) => `ours-${round}-${index}`);
  const projects = await prepare(slipway.dataDir, names, MANIFEST);
  const began = performance.now();
  const developing = develop(slipway.dataDir, projects);
  await untilAllServed(httpPort, projects);
  await developing;
  await untilSettled(slipway.dataDir, projects);
  const took = performance.now() - began;
  await remove(slipway.dataDir, projects);
  return took;
}

/**
 * @param parallel how many projects the script works on at once
 * @returns ms from the first call to Docker to the last project's first 200
 */
export async function bringUpPlain(
  docker: Docker,
  slipway: TestInstance,
  count: number,
  parallel: number,
): Promise<number> {
  const { httpPort, instanceId } = await slipway.instance();
  const gateway = new SocketGateway(slipway.dataDir);
  const projects = await Promise.all(
    Array.from({ length: count }, (_, index) => renderPlainProject(instanceId, index, MANIFEST)),
  );
  try {
    const began = performance.now();
    const routeAgain = new Map<string, () => Promise<void>>();
    const making = side(projects, parallel, async (project) => {
      interruption.throwIfAborted();
      routeAgain.set(project.namespace, await bringUpPlainly(docker, gateway, project));
    });
    const serving = untilAllServed(httpPort, projects, async (namespace) => routeAgain.get(namespace)?.());
    try {
      await Promise.all([making, serving]);
    } finally {
      // Where the watching failed: what is still being made could not be removed.
      await Promise.allSettled([making]);
    }
    return performance.now() - began;
  } finally {
    await side(projects, parallel, (project) => removePlainly(docker, gateway, project));
  }
}

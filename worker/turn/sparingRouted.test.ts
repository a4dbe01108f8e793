import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayError } from "../gateway/gatewayError.ts";
import { isRunning, type FakeContainer } from "../simulation/engineObjects.ts";
import { projectsOf } from "../simulation/rows.ts";
import { setVariables } from "../simulation/run.ts";
import { World } from "../simulation/world.ts";

let restore: () => void;
beforeAll(() => {
  restore = setVariables();
});
afterAll(() => restore());

/** A project in development, on a machine where nothing goes wrong but what the test makes. */
async function developing(manifest: object) {
  const world = new World(1, false);
  world.calm();
  const call = async (path: string, args: object) => {
    const done = world.server.call(path, args, "admin");
    await world.time.runUntil(world.time.ms + 1_000);
    return await done;
  };
  const settle = async () => await world.time.runUntil(world.time.ms + 60_000);
  world.supervisor.begin([]);
  await settle();
  await call("projects:createProject", { name: "shop", manifest });
  const [project] = projectsOf(world);
  const { _id: id, namespace } = project!;
  const move = async (to: string) =>
    await call("projects:updateProjectStatus", { project: id, to, override: true, reason: "the test" });
  await move("planning");
  await move("development");
  await settle();
  const running = () => [...world.engine.containers.values()].filter(isRunning).map(({ name }) => name);
  const led = () => {
    const services = world.gateway.table.get(namespace)?.environments.dev?.services ?? [];
    return services.flatMap(({ upstreams }) => upstreams.map(({ address }) => world.gateway.at(address)));
  };
  return { world, id, call, move, settle, running, led };
}

function refuse(world: World): () => void {
  const put = world.gateway.put.bind(world.gateway);
  world.gateway.put = () => {
    throw new GatewayError("invalid", "The gateway refuses this.");
  };
  return () => {
    world.gateway.put = put;
  };
}

const nameOf = (container: FakeContainer | undefined) => container?.name;

test("a container that the gateway's table leads to is not replaced while the switch is refused", async () => {
  const { world, id, call, settle, led } = await developing({ stack: "node" });
  const [before] = led();
  expect(before).toBeDefined();
  const accept = refuse(world);
  await call("projects:updateManifest", { project: id, manifest: { stack: "node", env: { EDITED: "1" } } });
  await settle();
  expect(led()[0]?.id).toBe(before?.id);
  accept();
  await settle();
  await settle();
  const [after] = led();
  expect(nameOf(after)).toBe(nameOf(before));
  expect(after?.id).not.toBe(before?.id);
  expect(after?.plan.environment.EDITED).toBe("1");
});

test("what nobody is led to, and what a pause stops, goes all the same", async () => {
  const services = { web: { stack: "node", route: "/" }, jobs: { stack: "node" } };
  const { world, id, call, move, settle, running, led } = await developing({ services });
  const [web] = led();
  const accept = refuse(world);
  await call("projects:updateManifest", { project: id, manifest: { services: { web: services.web } } });
  await settle();
  expect(running()).toEqual([nameOf(web)]);
  await move("paused");
  await settle();
  expect(running()).toEqual([]);
  accept();
});

import { projectsOf } from "../simulation/rows.ts";
import { isRunning } from "../simulation/engineObjects.ts";
import { setVariables } from "../simulation/run.ts";
import { World } from "../simulation/world.ts";

/**
 * A project in development, with a real worker and control plane on a machine in memory where nothing goes wrong but what
 * the test makes. `end` gives the process its variables back.
 */
export async function developing(manifest: object) {
  const end = setVariables();
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
  return { world, id, call, move, settle, running, led, end };
}

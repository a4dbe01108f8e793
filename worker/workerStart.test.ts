import { afterEach, expect, test } from "vitest";
import { projectsOf } from "./simulation/rows.ts";
import { developing } from "./testing/developing.ts";

let end = () => {};
afterEach(() => end());

test("a worker that starts pushes every project's routes anew, and takes those away that nobody owns", async () => {
  const { world, settle, ...scene } = await developing({ stack: "node" });
  end = scene.end;
  const { table } = world.gateway;
  const [project] = projectsOf(world);
  const { namespace } = project!;
  const before = table.get(namespace)!;
  world.supervisor.crash();
  // Somebody else's word, and what a project left that was deleted meanwhile.
  table.set(namespace, { ...before, environments: {} });
  const gone = "project_1700000000000_gggggggg";
  table.set(gone, { ...before, namespace: gone, slug: "gone" });
  await settle();
  expect([...table.keys()]).toEqual([namespace]);
  expect(table.get(namespace)?.environments).toEqual(before.environments);
  expect(table.get(namespace)!.version).toBeGreaterThan(before.version);
});

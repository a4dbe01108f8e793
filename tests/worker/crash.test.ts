import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dyingEngine } from "./dyingEngine.ts";
import { World } from "./world.ts";

/** A worker that dies at one step of a bring-up or of a removal, and the next worker that finds what it left. */

let world: World;
beforeAll(async () => {
  world = await World.make("wktest03", 28_184);
});
afterAll(async () => {
  await world?.end();
});

/** A bring-up of one node project is this many changes (see `plan.test.ts`), its removal so many. */
const BRING_UP = 11;
const REMOVAL = 4;

const steps = (count: number) =>
  Array.from({ length: count }, (_, index) => index + 1).flatMap((step) => [
    { step, reached: false },
    { step, reached: true },
  ]);

describe("killed in the middle of", () => {
  test.each(steps(BRING_UP))(
    "a bring-up, at change $step (reached Docker: $reached)",
    async ({ step, reached }) => {
      const project = world.controlPlane.create(`up-${step}-${reached ? "reached" : "lost"}`);
      const { engine, dead } = dyingEngine(step, reached);
      await world.startWorker(engine);
      world.controlPlane.move(project.projectId, "development");
      await dead;
      world.abandonWorker();

      await world.startWorker();
      await world.become(project, "running");
      expect((await world.get(project.namespace)).status).toBe(200);
      expect(
        await world.run(project, ["node", "-e", 'require("fs").accessSync("/workspace/server.js")']),
      ).toBe("");
      expect(await world.owned()).toEqual(
        [
          `${project.namespace}-dev-app-1`,
          `${project.namespace}_dev`,
          `${project.namespace}_dev_egress`,
          `${project.namespace}_dev_workspace`,
        ].sort(),
      );
      await world.remove(project);
      await world.stopWorker();
      expect(await world.owned()).toEqual([]);
    },
  );

  test.each(steps(REMOVAL))(
    "a removal, at change $step (reached Docker: $reached)",
    async ({ step, reached }) => {
      const project = world.controlPlane.create(`down-${step}-${reached ? "reached" : "lost"}`);
      await world.startWorker();
      await world.move(project, "development", "running");
      await world.stopWorker();

      const { engine, dead } = dyingEngine(step, reached);
      await world.startWorker(engine);
      world.controlPlane.move(project.projectId, "deleting");
      await dead;
      world.abandonWorker();

      await world.startWorker();
      await world.remove(project);
      await world.stopWorker();
      expect(await world.owned()).toEqual([]);
      expect((await world.get(project.namespace)).status).toBe(404);
    },
  );
});

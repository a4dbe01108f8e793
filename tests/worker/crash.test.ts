import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EnvironmentKind, Status } from "../../core/lifecycle.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { Random } from "../../worker/simulation/random.ts";
import { dyingEngine } from "./dyingEngine.ts";
import { World } from "./world.ts";

/**
 * A worker that dies at random moments of projects' lives, each time before or after Docker did what it was asked last,
 * and the next worker that finds what it left. What there should be is what a life that nobody disturbed had.
 */

const PHASES = ["bring-up", "deploy", "delete"] as const;
type Phase = (typeof PHASES)[number];
/** Each life is killed once in each phase: 21 times in all. */
const LIVES = 7;

const seed = Number(process.env.SLIPWAY_TEST_SEED ?? randomInt(2 ** 31));
const random = new Random(seed, "crashes");
/** A moment as a share of the phase's changes; spread, so that no two lives die at the same one. */
const moments = Array.from({ length: LIVES }, (_, life) => ({
  life: life + 1,
  ...(Object.fromEntries(
    PHASES.map((phase) => [phase, { share: (life + random.next()) / LIVES, reached: random.chance(0.5) }]),
  ) as Record<Phase, { share: number; reached: boolean }>),
}));

let world: World;
/** Of the life that nobody disturbed. */
const changesOf = new Map<Phase, number>();
const leftBy = new Map<Phase, string[]>();

beforeAll(async () => {
  world = await World.make("w3test03", 28_184);
  world.controlPlane.makesReleases = true;
  const project = world.controlPlane.create("undisturbed", { stack: "static" });
  for (const phase of PHASES) {
    const { engine, changes } = dyingEngine(Infinity, true);
    await world.startWorker(engine);
    begin(project, phase);
    await converged(project, phase);
    changesOf.set(phase, changes());
    leftBy.set(phase, await owned(project));
    await world.stopWorker();
  }
});
afterAll(async () => {
  await world?.end();
});

function begin(project: ProjectSpec, phase: Phase): void {
  const status: Record<Phase, Status> = {
    "bring-up": "development",
    deploy: "deployment",
    delete: "deleting",
  };
  world.controlPlane.move(project.projectId, status[phase]);
}

/** The control plane has been told that all is as wanted. */
async function converged(project: ProjectSpec, phase: Phase): Promise<void> {
  if (phase === "delete") return await world.remove(project);
  if (phase === "bring-up") return await world.become(project, "running");
  await world.become(project, "hibernated");
  await world.become(project, "running", "deploy");
}

/** Names of all that there is of this instance, without what differs from project to project. */
async function owned(project: ProjectSpec): Promise<string[]> {
  const names = await world.owned();
  return names
    .map((name) => name.replace(project.namespace, "<project>").replace(/-[0-9a-f]{8}-1$/, "-<revision>-1"))
    .sort();
}

async function status(project: ProjectSpec, kind: EnvironmentKind): Promise<number> {
  return (await world.get(project.namespace, kind)).status;
}

describe(`killed at random moments (SLIPWAY_TEST_SEED=${seed})`, () => {
  test.each(moments)("in life $life", async ({ life, ...momentOf }) => {
    const project = world.controlPlane.create(`life-${life}`, { stack: "static" });
    for (const phase of PHASES) {
      const { share, reached } = momentOf[phase];
      const { engine, dead, kill } = dyingEngine(1 + Math.floor(share * changesOf.get(phase)!), reached);
      await world.startWorker(engine);
      begin(project, phase);
      // Where this life needs fewer changes than the undisturbed one, it is killed at the end.
      await Promise.race([dead, converged(project, phase)]);
      kill();
      world.abandonWorker();

      await world.startWorker();
      await converged(project, phase);
      expect(await status(project, "dev")).toBe({ "bring-up": 200, deploy: 503, delete: 404 }[phase]);
      if (phase === "deploy") expect(await status(project, "deploy")).toBe(200);
      // A workspace counts as filled once, and completely.
      if (phase === "bring-up") await world.run(project, ["test", "-s", "/workspace/public/index.html"]);
      await world.stopWorker();
      expect(await owned(project)).toEqual(leftBy.get(phase));
    }
  });
});

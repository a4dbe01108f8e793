import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ownedBy } from "../../core/labels.ts";
import type { ManifestInput } from "../../core/manifest.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { dyingEngine } from "./dyingEngine.ts";
import { World } from "./world.ts";

/** From the dev workspace to a release: its snapshot, its tests, its deployment; and what may go wrong on the way. */

const WITHIN_MS = 120_000;

let world: World;
let project: ProjectSpec;
beforeAll(async () => {
  world = await World.make("w7test07", 28_190);
  world.controlPlane.makesReleases = true;
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});
afterEach(async () => {
  await world.remove(project);
});

async function develop(manifest: Partial<ManifestInput> = {}): Promise<void> {
  project = world.controlPlane.create("released", manifest);
  await world.move(project, "development", "running");
}

/** Writes a file of dev's workspace. */
async function write(path: string, text: string): Promise<void> {
  const program = `require("fs").writeFileSync(${JSON.stringify(`/workspace/${path}`)}, ${JSON.stringify(text)})`;
  await world.run(project, ["node", "-e", program]);
}

const release = (number: number) => world.controlPlane.release(project.projectId, number);

/** Moves to testing and waits for how the tests of release `number` end. */
async function runTests(number: number): Promise<void> {
  world.controlPlane.move(project.projectId, "testing");
  await ended(number);
}

async function ended(number: number): Promise<void> {
  const over = () => ["passed", "failed"].includes(release(number).state);
  await world.controlPlane.until(over, `release ${number} tested`, WITHIN_MS);
}

async function deploy(): Promise<string> {
  world.controlPlane.move(project.projectId, "deployment");
  await world.become(project, "running", "deploy");
  return (await world.get(project.namespace, "deploy", "/style.css")).body;
}

const observed = (kind: "test" | "deploy") => world.controlPlane.observed(project.projectId, kind);

async function snapshotVolumes(): Promise<string[]> {
  const filters = { label: [ownedBy(world.instanceId), "slipway.role=snapshot"] };
  return ((await world.docker.listVolumes({ filters })).Volumes ?? []).map(({ Name }) => Name);
}

describe("tests that pass", () => {
  beforeEach(async () => {
    await develop();
    await write("public/style.css", "as it was tested");
  });

  test("make a release, and deployment serves that very content though dev has changed since", async () => {
    // More than fits into any buffer on the way.
    await world.run(project, ["dd", "if=/dev/zero", "of=/workspace/large.bin", "bs=1M", "count=24"]);
    await runTests(1);
    expect(release(1)).toMatchObject({ state: "passed", result: { exitCode: 0, timedOut: false } });
    expect(release(1).result!.output).toMatch(/pass [1-9]/);
    await world.become(project, "running", "test");
    expect(observed("test")!.message).toMatch(/^Release 1: tests passed in \d/);

    await write("public/style.css", "not tested yet");
    expect(await deploy()).toBe("as it was tested");
  });

  test("run once: neither another manifest nor another worker nor a removed container runs them again", async () => {
    await runTests(1);
    await world.become(project, "running", "test");
    const container = world.container(project, "app", "test");
    const before = await container.inspect();
    world.controlPlane.edit(project.projectId, { env: { CHANGED: "yes" } });
    await world.become(project, "running", "test");
    await world.stopWorker();
    await (await world.startWorker()).settled();
    const after = await container.inspect();
    expect([after.Id, after.State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
    await container.remove();
    await world.stopWorker();
    await (await world.startWorker()).settled();
    await expect(container.inspect()).rejects.toMatchObject({ statusCode: 404 });
    expect(observed("test")).toMatchObject({ phase: "running" });
  });

  test("of the same content are tests of the same snapshot, which is there once, in a fresh copy", async () => {
    await runTests(1);
    world.controlPlane.move(project.projectId, "development");
    await runTests(2);
    expect(release(2).taken).toEqual(release(1).taken);
    expect(await snapshotVolumes()).toEqual([
      `${project.namespace}_snapshot_${release(1).taken!.snapshot.slice(0, 16)}`,
    ]);
    await world.become(project, "running", "test");
    const mounts = (await world.container(project, "app", "test").inspect()).Mounts.map(({ Name }) => Name);
    expect(mounts).toEqual([`${project.namespace}_test_workspace_r2`]);
    await world.eventually("the first copy is gone", async () =>
      (await world.owned()).every((name) => !name.includes("_test_workspace_r1")),
    );
  });

  test("have their snapshot made again where it was lost, but only of the very same content", async () => {
    await runTests(1);
    const [volume] = await snapshotVolumes();
    await world.docker.getVolume(volume!).remove();
    expect(await deploy()).toBe("as it was tested");
    expect(await snapshotVolumes()).toEqual([volume]);

    await world.move(project, "development", "running");
    await runTests(2);
    world.controlPlane.move(project.projectId, "development");
    await write("public/style.css", "changed");
    await runTests(3);
    for (const name of await snapshotVolumes()) await world.docker.getVolume(name).remove();
    await write("public/style.css", "changed again");
    world.controlPlane.move(project.projectId, "deployment");
    await world.become(project, "failed", "deploy");
    expect(observed("deploy")!.message).toContain("dev workspace is not what it was");
  });
});

describe("tests that do not pass", () => {
  test("fail the release, with their exit code and what they wrote", async () => {
    await develop();
    await write("test/broken.test.js", 'throw new Error("the till does not open");');
    await runTests(1);
    expect(release(1)).toMatchObject({ state: "failed", result: { exitCode: 1, timedOut: false } });
    expect(release(1).result!.output).toContain("the till does not open");
    await world.become(project, "failed", "test");
    expect(observed("test")!.message).toContain("tests failed: app ended with 1");
  });

  test("within their time are stopped, by whichever worker is there then", async () => {
    await develop({ environments: { test: { command: "echo begun; sleep 300", timeout: "4s" } } });
    world.controlPlane.move(project.projectId, "testing");
    await world.eventually("the tests run", async () => {
      const found = await world
        .container(project, "app", "test")
        .inspect()
        .catch(() => null);
      return found?.State.Running === true;
    });
    await world.stopWorker();
    await world.startWorker();
    await ended(1);
    const { result } = release(1);
    expect(result).toMatchObject({ timedOut: true, output: expect.stringContaining("begun") });
    expect(result!.durationMs).toBeGreaterThanOrEqual(4_000);
    await world.become(project, "failed", "test");
    expect(observed("test")!.message).toContain("stopped at their time limit");
  });
});

describe("a worker that is killed", () => {
  // What it does from the move on, in this order: staging 1, its reader and filler 2 and 3, files 4, the helpers' end 5
  // and 6, mark 7, snapshot 8, its reader and filler 9 and 10, files 11, the helpers' end 12 and 13, the mark's end 14.
  test.each([
    { step: 4, reached: false, where: "before the files were read" },
    { step: 11, reached: true, where: "before the snapshot counts" },
    { step: 14, reached: true, where: "after it counts, before it was told" },
    { step: 18, reached: true, where: "between the snapshot and the tests" },
  ])("$where leaves nothing that the next one does not put right", async ({ step, reached }) => {
    await develop();
    await world.stopWorker();
    const { engine, dead } = dyingEngine(step, reached);
    await world.startWorker(engine);
    world.controlPlane.move(project.projectId, "testing");
    await dead;
    world.abandonWorker();
    await world.startWorker();
    await ended(1);
    expect(release(1)).toMatchObject({ state: "passed", result: { exitCode: 0 } });
    await world.become(project, "running", "test");
    const hash = release(1).taken!.snapshot.slice(0, 16);
    const volumes = (await world.owned()).filter((name) => /workspace|snapshot/.test(name));
    expect(volumes).toEqual(
      ["dev_workspace", `snapshot_${hash}`, "test_workspace_r1"].map(
        (name) => `${project.namespace}_${name}`,
      ),
    );
  });
});

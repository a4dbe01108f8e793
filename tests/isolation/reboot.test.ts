import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import type { World } from "../worker/world.ts";
import { makeDiskWorld, type DiskWorld } from "./diskWorld.ts";

/** A machine that starts again: containers are there, but the disks of their volumes are mounted nowhere. */

const run = promisify(execFile);
let made: DiskWorld;
let world: World;
let dataDir: string;
beforeAll(async () => {
  made = await makeDiskWorld("isoboot2", 28_395);
  ({ world, dataDir } = made);
});
afterAll(async () => {
  await made?.end();
});

/** A worker as a new process starts it: it knows of no disk but what is in the data directory. */
async function startWorker(): Promise<void> {
  const own = new LoopDisks(dataDir);
  world.disks = own;
  await world.startWorker(new DockerEngine(world.docker, { disks: own }));
}

const mountedBelow = async () => {
  const { stdout } = await run("findmnt", ["--raw", "--noheadings", "--output", "TARGET"]);
  return stdout
    .split("\n")
    .filter((path) => path.startsWith(dataDir))
    .reverse();
};

test("a sized volume is mounted before its containers start, with what it held and at its size", async () => {
  await startWorker();
  const project = world.controlPlane.create("rebooted", {
    services: { app: { stack: "static", route: "/" } },
    environments: { dev: { disk: "32m" } },
  });
  await world.move(project, "development", "running");
  await world.run(project, ["sh", "-c", "echo kept > /workspace/mine.txt"]);

  // The power goes: neither the worker nor a container runs, no disk is mounted, no loop device is set up.
  await world.stopWorker();
  const container = world.container(project);
  await container.stop({ t: 0 });
  const mounted = await mountedBelow();
  expect(mounted.length).toBeGreaterThan(0);
  for (const path of mounted) await run("umount", [path]);
  await expect
    .poll(async () => (await run("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"])).stdout, {
      timeout: 10_000,
    })
    .not.toContain(dataDir);
  // The engine is back first, and starts what ran: it must not run on the machine's own disk.
  await expect(container.start()).rejects.toThrow(/failed to mount local volume/);

  await startWorker();
  await world.eventually("it serves", async () => (await world.get(project.namespace)).status === 200);
  expect(world.logs.filter((line) => line.includes("Mounted the disk of"))).not.toEqual([]);
  expect(await world.run(project, ["cat", "/workspace/mine.txt"])).toBe("kept");
  await expect(
    world.run(project, ["dd", "if=/dev/zero", "of=/workspace/big", "bs=1M", "count=40"]),
  ).rejects.toThrow(/[Nn]o space left on device/);
  await world.remove(project);
});

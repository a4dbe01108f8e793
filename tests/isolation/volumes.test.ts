import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { realClock } from "../../worker/clock.ts";
import type { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { measureVolumes } from "../../worker/disks/measureVolumes.ts";
import { VolumeWatch } from "../../worker/disks/volumeWatch.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import type { World } from "../worker/world.ts";
import { makeDiskWorld, type DiskWorld } from "./diskWorld.ts";

/** Sizes of volumes and ways to hibernate, as a project meets them on the real worker. */

const MIB = 1024 ** 2;
const INSTANCE = "isovols2";
let made: DiskWorld;
let world: World;
let disks: LoopDisks;
beforeAll(async () => {
  made = await makeDiskWorld(INSTANCE, 28_393);
  ({ world, disks } = made);
});
afterAll(async () => {
  await made?.end();
});

const dev = (limits: object) => ({ environments: { dev: { cpus: 1, memory: "256m", ...limits } } });
const write = (megabytes: number, name = "big") => [
  ...["node", "-e", `require("fs").writeFileSync("/workspace/${name}", Buffer.alloc(${megabytes * MIB}, 1))`],
];
const condition = (project: ProjectSpec, type: string) =>
  world.controlPlane
    .observed(project.projectId, "dev")
    ?.conditions.find((condition) => condition.type === type);
const told = async (project: ProjectSpec, type: string, reason: string) =>
  await world.controlPlane.until(
    () => condition(project, type)?.reason === reason,
    `${type} ${reason}`,
    120_000,
  );

describe("a workspace with a disk of its own", () => {
  test("is full at its size, grows with the manifest, is never made smaller, and goes with the project", async () => {
    await world.startWorker(new DockerEngine(world.docker, { disks }));
    const project = world.controlPlane.create("sized", dev({ disk: "32m" }));
    await world.move(project, "development", "running");
    expect(condition(project, "VolumesReady")).toMatchObject({ status: "true", reason: "VolumesPresent" });
    await expect(world.run(project, write(40))).rejects.toThrow("ENOSPC");
    await world.run(project, write(20));

    world.controlPlane.edit(project.projectId, dev({ disk: "96m" }));
    await world.become(project, "running");
    await world.run(project, write(50, "second"));
    expect(await world.run(project, ["stat", "-c", "%s", "/workspace/big"])).toBe(String(20 * MIB));
    expect((await world.get(project.namespace)).status).toBe(200);

    world.controlPlane.edit(project.projectId, dev({ disk: "32m" }));
    await told(project, "VolumesReady", "ShrinkRefused");
    await world.become(project, "running");
    const { message, phase } = world.controlPlane.observed(project.projectId, "dev")!;
    expect(phase).toBe("running");
    expect(message).toMatch(/keeps its 96 MiB/);

    await world.remove(project);
    expect(await readdir(disks.folder)).toEqual([]);
    await world.stopWorker();
  });
});

describe("a workspace whose size is only watched", () => {
  test("has its container stopped when it is over it, and started when it fits again", async () => {
    const volumeWatch = new VolumeWatch({
      measure: async (volumes) => await measureVolumes(world.docker, INSTANCE, volumes),
      // Real time, eight times as fast: what is waited for is the watch's next look.
      clock: { ...realClock, after: (delayMs, callback) => realClock.after(delayMs / 8, callback) },
      log: () => {},
      why: "this is a test",
    });
    await world.startWorker(new DockerEngine(world.docker), { volumeWatch });
    const project = world.controlPlane.create("watched", dev({ disk: "32m" }));
    await world.move(project, "development", "running");
    expect(condition(project, "VolumesReady")).toMatchObject({ status: "true", reason: "SizeWatched" });

    // At once, so that no look finds it half written.
    await world.run(project, ["fallocate", "-l", String(40 * MIB), "/workspace/big"]);
    await told(project, "Running", "VolumeFull");
    const { phase, message } = world.controlPlane.observed(project.projectId, "dev")!;
    expect(phase).toBe("failed");
    expect(message).toMatch(/app was stopped: its volume holds 4\d.* and may hold 32 MiB\. Remove files/);
    expect((await world.container(project).inspect()).State.Running).toBe(false);

    world.controlPlane.edit(project.projectId, dev({ disk: "96m" }));
    await world.become(project, "running");
    expect((await world.get(project.namespace)).status).toBe(200);
    await world.remove(project);
    const left = await world.docker.listContainers({
      all: true,
      filters: { name: [`${INSTANCE}-volume-watch`] },
    });
    expect(left).toEqual([]);
    await world.stopWorker();
  });
});

describe("an environment that hibernates by pausing", () => {
  test("keeps its program's memory, answers with its status page, and wakes where it was", async () => {
    await world.startWorker(new DockerEngine(world.docker, { disks }));
    const project = world.controlPlane.create("napping", dev({ hibernate: "pause" }));
    await world.move(project, "development", "running");
    const { Pid, StartedAt } = (await world.container(project).inspect()).State;
    await world.move(project, "paused", "hibernated");
    expect((await world.container(project).inspect()).State).toMatchObject({ Paused: true, Pid, StartedAt });
    const asleep = await world.get(project.namespace);
    expect(asleep.status).toBe(503);
    expect(asleep.body).toMatch(/hibernat|paused|asleep/i);
    await world.move(project, "development", "running");
    await world.eventually("serves", async () => (await world.get(project.namespace)).status === 200);
    expect((await world.container(project).inspect()).State).toMatchObject({ Paused: false, Pid, StartedAt });
    await world.remove(project);
    await world.stopWorker();
  });
});

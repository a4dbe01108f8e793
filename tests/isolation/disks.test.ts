import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { openDisks } from "../../worker/disks/openDisks.ts";
import { runProgram } from "../../worker/disks/runProgram.ts";
import { volumeNames } from "../../worker/disks/volumeNames.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { noteInstance } from "../leftovers/ledger.ts";

/** Disks on the real kernel and the real engine: a worker that dies at any step leaves nothing that stays. */

const MIB = 1024 ** 2;
const INSTANCE = "isodisk2";
const run = promisify(execFile);
const docker = new Docker();
let dataDir: string;
let forget: (() => Promise<void>) | undefined;
let disks: LoopDisks;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-disks-"));
  forget = await noteInstance({ instanceId: INSTANCE, dataDir });
  const found = await openDisks(docker, { dataDir, instanceId: INSTANCE });
  if (!found.disks) throw new Error(`These tests need a machine whose volumes can have disks: ${found.why}.`);
  disks = found.disks;
});
afterAll(async () => {
  for (const name of await volumeNames(docker, INSTANCE)) await docker.getVolume(name).remove();
  await disks?.removeAll();
  await rm(dataDir, { recursive: true, force: true });
  await forget?.();
});

/** Disks whose worker dies at its `last`-th program, before it ran. */
function dyingDisks(last: number): { disks: LoopDisks; ran: () => number } {
  let count = 0;
  const mortal = new LoopDisks(dataDir, async (program, args) => {
    count += 1;
    if (count >= last) throw new Error("the worker died");
    return await runProgram(program, args);
  });
  return { disks: mortal, ran: () => count };
}

const loopDevices = async () =>
  (await run("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"])).stdout
    .split("\n")
    .filter((file) => file.startsWith(dataDir));
/** The kernel lets go of a device a moment after it was unmounted. */
const noLoopDevices = async () =>
  await expect.poll(loopDevices, { timeout: 10_000, interval: 50 }).toEqual([]);
const bytesIn = async (directory: string) => {
  const { stdout } = await run("df", ["--block-size=1", "--output=size", directory]);
  return Number(stdout.split("\n")[1]);
};

describe("finding out whether there can be disks", () => {
  test("leaves nothing behind, and says why not", async () => {
    expect(await readdir(disks.folder)).toEqual([]);
    expect(await volumeNames(docker, INSTANCE)).toEqual(new Set());
    expect(await openDisks(docker, { dataDir, instanceId: INSTANCE }, false)).toEqual({
      disks: null,
      why: "the worker does not run as root, so it may not mount disks",
    });
  });
});

describe("a disk", () => {
  test("is empty, belongs to projects' user, and holds no more than its size", async () => {
    const directory = await disks.make("small", 16 * MIB);
    expect(await readdir(directory)).toEqual([]);
    const { uid, gid, mode } = await stat(directory);
    expect([uid, gid, mode & 0o777]).toEqual([1000, 1000, 0o755]);
    await expect(writeFile(join(directory, "big"), Buffer.alloc(17 * MIB))).rejects.toMatchObject({
      code: "ENOSPC",
    });
    const { stdout } = await run("findmnt", ["-n", "-o", "OPTIONS", "--target", directory]);
    expect(stdout).toMatch(/nosuid.*nodev/);
    expect((await stat(disks.folder)).mode & 0o777).toBe(0o700);
    await disks.remove("small");
    expect(await readdir(disks.folder)).toEqual([]);
    await noLoopDevices();
  });

  test("takes no room on the machine before something is in it, and gives it back", async () => {
    const directory = await disks.make("sparse", 1024 * MIB);
    const image = join(disks.folder, "sparse", "image.ext4");
    const used = async () => {
      await run("sync", ["-f", directory]);
      return (await stat(image)).blocks * 512;
    };
    const empty = await used();
    expect(empty).toBeLessThan(64 * MIB);
    await writeFile(join(directory, "file"), Buffer.alloc(100 * MIB, 1));
    expect(await used()).toBeGreaterThan(empty + 90 * MIB);
    await rm(join(directory, "file"));
    await expect.poll(used, { timeout: 20_000, interval: 200 }).toBeLessThan(empty + 20 * MIB);
    await disks.remove("sparse");
  });

  test("is made anew by the next worker, whenever the one before died", async () => {
    let steps = 0;
    for (const lines of [0, 1, 2]) {
      // Both steps are one program of two lines: its worker dies before it, between them, and once it has ended.
      const mortal = new LoopDisks(dataDir, async (program, [flags, script, ...rest]) => {
        const done = script!.trim().split("\n").slice(0, lines).join("\n");
        if (lines > 0) await runProgram(program, [flags!, done, ...rest]);
        throw new Error("the worker died");
      });
      await expect(mortal.make("mortal", 16 * MIB)).rejects.toThrow("the worker died");
      steps += 1;
      const directory = await new LoopDisks(dataDir).make("mortal", 16 * MIB);
      expect(await readdir(directory)).toEqual([]);
      await disks.remove("mortal");
    }
    expect(steps).toBeGreaterThanOrEqual(3);
    await disks.remove("mortal");
    expect(await readdir(disks.folder)).toEqual([]);
    await noLoopDevices();
  });

  test("grows with what it holds, whenever a worker died at it", async () => {
    const directory = await disks.make("growing", 16 * MIB);
    await writeFile(join(directory, "mine"), "kept");
    let size = 16 * MIB;
    let steps = 0;
    for (let last = 1; last < 20; last += 1) {
      const mortal = dyingDisks(last);
      const grown = await mortal.disks.grow("growing", size + 16 * MIB).then(
        () => true,
        () => false,
      );
      if (grown) break;
      steps += 1;
      const next = new LoopDisks(dataDir);
      expect(await next.sizeOf("growing", directory)).toBe(size);
      size += 16 * MIB;
      expect(await next.grow("growing", size)).toBe("grown");
      expect(await readFile(join(directory, "mine"), "utf8")).toBe("kept");
      expect(await bytesIn(directory)).toBeGreaterThan(size * 0.8);
    }
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(await disks.grow("growing", MIB)).toBe("unchanged");
    await disks.remove("growing");
  });

  test("is held by nobody who copied the mount table while it was mounted", async () => {
    await disks.make("copied", 16 * MIB);
    // What a container's start does for a moment, and a service with a namespace of its own for as long as it lives.
    const copy = spawn("unshare", ["--mount", "--propagation", "slave", "cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      copy.stdin.write("copied\n");
      await once(copy.stdout, "data");
      expect(await disks.grow("copied", 32 * MIB)).toBe("grown");
      await disks.remove("copied");
      await noLoopDevices();
    } finally {
      copy.stdin.end();
      await once(copy, "close");
    }
  });

  test("is mounted again after the machine started, and goes once no volume uses it", async () => {
    const directory = await disks.make("kept", 16 * MIB);
    await disks.make("left", 16 * MIB);
    await writeFile(join(directory, "mine"), "kept");
    await run("umount", [join(disks.folder, "kept", "mount")]);
    const next = new LoopDisks(dataDir);
    const there = async () => new Set(["kept"]);
    expect(await next.tend(there)).toEqual(["Mounted the disk of kept."]);
    expect(await readFile(join(directory, "mine"), "utf8")).toBe("kept");
    expect(await next.tend(there)).toEqual([]);
    expect(await next.tend(there, 0)).toEqual(["Removed the disk of left, which no volume uses."]);
    expect(await readdir(disks.folder)).toEqual(["kept"]);
    await disks.remove("kept");
    await noLoopDevices();
  });
});

describe("a volume of the engine's", () => {
  const labels = { [LABELS.instance]: INSTANCE };
  const engine = () => new DockerEngine(docker, { disks });

  test("has its disk's size, keeps it over a second making, and takes it along when it goes", async () => {
    await engine().createVolume({ name: "isodisk2-one", labels, sizeBytes: 16 * MIB });
    const [volume] = await engine().listVolumes({ instanceId: INSTANCE });
    expect(volume).toMatchObject({ name: "isodisk2-one", sizeBytes: 16 * MIB });
    const file = join(disks.folder, "isodisk2-one", "mount", "data", "mine");
    await writeFile(file, "kept");
    await engine().createVolume({ name: "isodisk2-one", labels, sizeBytes: 16 * MIB });
    expect(await readFile(file, "utf8")).toBe("kept");
    expect(await engine().growVolume("isodisk2-one", 32 * MIB)).toBe("grown");
    expect(await engine().listVolumes({ instanceId: INSTANCE })).toMatchObject([{ sizeBytes: 32 * MIB }]);
    expect(await engine().removeVolume("isodisk2-one")).toBe("removed");
    expect(await readdir(disks.folder)).toEqual([]);
  });

  test("whose worker died before its disk was gone leaves one that is swept", async () => {
    await engine().createVolume({ name: "isodisk2-two", labels, sizeBytes: 16 * MIB });
    await docker.getVolume("isodisk2-two").remove();
    expect(await readdir(disks.folder)).toEqual(["isodisk2-two"]);
    await disks.tend(async () => await volumeNames(docker, INSTANCE), 0);
    expect(await readdir(disks.folder)).toEqual([]);
    await noLoopDevices();
  });

  test("keeps its containers from starting while its disk is not mounted", async () => {
    await engine().createVolume({ name: "isodisk2-three", labels, sizeBytes: 16 * MIB });
    await run("umount", [join(disks.folder, "isodisk2-three", "mount")]);
    const container = await docker.createContainer({
      Image: "slipway/tools:1",
      Cmd: ["touch", "/disk/on-the-host"],
      Labels: labels,
      HostConfig: { Binds: ["isodisk2-three:/disk"], NetworkMode: "none" },
    });
    try {
      await expect(engine().startContainer(container.id)).rejects.toMatchObject({
        fault: "disk_unmounted",
        data: { hint: expect.stringContaining("slipway doctor") },
      });
      await disks.tend(async () => await volumeNames(docker, INSTANCE));
      expect(await engine().startContainer(container.id)).toBe("started");
      expect(await container.wait()).toMatchObject({ StatusCode: 0 });
    } finally {
      await container.remove({ force: true });
      await engine().removeVolume("isodisk2-three");
    }
  });
});

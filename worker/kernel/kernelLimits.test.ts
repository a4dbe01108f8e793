import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KERNEL_LIMITS, kernelLimits, raiseCommand } from "./kernelLimits.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-sysctl-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const pathOf = (name: string) => join(folder, ...name.split("."));

async function put(name: string, text: string): Promise<void> {
  await mkdir(dirname(pathOf(name)), { recursive: true });
  await writeFile(pathOf(name), text);
}

const statesOf = async (may: boolean) =>
  (await kernelLimits(may, folder)).map(({ name, state, value }) => [name, state, value]);

test("raises what is too low and leaves what is higher", async () => {
  for (const { name } of KERNEL_LIMITS) await put(name, "128\n");
  await put("fs.inotify.max_user_watches", "1048576\n");
  expect(await statesOf(true)).toEqual([
    ["net.ipv4.neigh.default.gc_thresh3", "raised", 16_384],
    ["net.ipv4.neigh.default.gc_thresh2", "raised", 8_192],
    ["net.ipv4.neigh.default.gc_thresh1", "raised", 4_096],
    ["fs.inotify.max_user_instances", "raised", 8_192],
    ["fs.inotify.max_user_watches", "enough", 1_048_576],
  ]);
  expect(await readFile(pathOf("fs.inotify.max_user_watches"), "utf8")).toBe("1048576\n");
  expect((await statesOf(true)).every(([, state]) => state === "enough")).toBe(true);
});

test("only looks where it is to look, and says how to raise what is low", async () => {
  await put("net.ipv4.neigh.default.gc_thresh3", "1024\n");
  await put("fs.inotify.max_user_instances", "128\n");
  const states = await kernelLimits(false, folder);
  expect(states.map(({ state }) => state)).toEqual(["low", "hidden", "hidden", "low", "hidden"]);
  expect(await readFile(pathOf("net.ipv4.neigh.default.gc_thresh3"), "utf8")).toBe("1024\n");
  expect(raiseCommand(states)).toBe(
    "sysctl -w net.ipv4.neigh.default.gc_thresh3=16384 fs.inotify.max_user_instances=8192",
  );
  expect(raiseCommand([])).toBe("");
});

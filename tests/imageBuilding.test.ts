import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import Docker from "dockerode";
import { afterAll, expect, test } from "vitest";
import { REPOSITORY } from "../scripts/setup/dataDir.ts";
import { eventually } from "./images/confined.ts";

/** Making images, beside the ones in use: two processes at once, a killed one, registries that do not answer. */

const docker = new Docker();
const repository = `slipwaytest${process.pid}`;
const tag = `${repository}/tools:1`;

/** Starts `scripts/images/main.ts` for the smallest image, under a name of this test's own. */
function maker(registry = "off") {
  const args = [
    "scripts/run.mjs",
    "scripts/images/main.ts",
    "--repository",
    repository,
    "--registry",
    registry,
  ];
  const child = spawn(process.execPath, [...args, "tools"], {
    cwd: REPOSITORY,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  return { child, ended, output: () => output };
}

const scratchOf = (pid: number) =>
  readdirSync(os.tmpdir()).filter((name) => name.startsWith(`slipway-build-${pid}-`));
const unfinishedOf = async (pid: number) => {
  const images = await docker.listImages({ filters: JSON.stringify({ reference: ["slipway/building"] }) });
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.includes(`-${pid}-`));
};

async function forget() {
  await docker
    .getImage(tag)
    .remove()
    .catch(() => {});
}
afterAll(forget);

test("two processes make an image once, and neither leaves anything behind", async () => {
  const makers = [maker(), maker()];
  const results = await Promise.all(makers.map(({ ended }) => ended));
  expect(results.map(({ code }) => code)).toEqual([0, 0]);
  const sources = results.map(({ output }) => /tools:1\t(\w+)/.exec(output)?.[1]);
  expect(sources.sort()).toEqual(["debian", "present"]);
  for (const { child } of makers) {
    expect(scratchOf(child.pid!)).toEqual([]);
    expect(await unfinishedOf(child.pid!)).toEqual([]);
  }
});

test("what a killed process left is gone after the next one, which makes the image whole", async () => {
  await forget();
  const killed = maker();
  await eventually(
    async () => scratchOf(killed.child.pid!),
    (folders) => folders.length > 0,
  );
  killed.child.kill("SIGKILL");
  await killed.ended;
  expect(scratchOf(killed.child.pid!).length).toBeGreaterThan(0);

  const next = await maker().ended;
  expect(next).toMatchObject({ code: 0, output: expect.stringContaining("debian") });
  expect(scratchOf(killed.child.pid!)).toEqual([]);
  expect(await unfinishedOf(killed.child.pid!)).toEqual([]);
  expect((await docker.getImage(tag).inspect()).Config.Labels).toMatchObject({ "slipway.image": "tools" });
});

test("Ctrl-C leaves nothing behind", async () => {
  await forget();
  const interrupted = maker();
  await eventually(
    async () => scratchOf(interrupted.child.pid!),
    (folders) => folders.length > 0,
  );
  interrupted.child.kill("SIGINT");
  expect((await interrupted.ended).code).toBe(130);
  expect(scratchOf(interrupted.child.pid!)).toEqual([]);
  expect(await unfinishedOf(interrupted.child.pid!)).toEqual([]);
});

test.each([
  ["refuses", (socket: Socket) => socket.destroy()],
  ["takes the connection and says nothing", () => {}],
])("a registry that %s is given up soon, and the image made from packages", async (_what, onConnection) => {
  await forget();
  const server = createServer(onConnection).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const before = Date.now();
    const made = await maker(`127.0.0.1:${port}`).ended;
    expect(made).toMatchObject({ code: 0, output: expect.stringContaining("tools:1\tdebian") });
    expect(Date.now() - before).toBeLessThan(20_000);
  } finally {
    server.close();
  }
});

test("an unknown image is refused with the names there are", async () => {
  const child = spawn(
    process.execPath,
    [path.join(REPOSITORY, "scripts/run.mjs"), "scripts/images/main.ts", "nose"],
    {
      cwd: REPOSITORY,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  expect(await once(child, "close")).toEqual([1, null]);
  expect(complaint).toMatch(/no image "nose"[\s\S]*node/);
});

import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { World } from "./world.ts";

/** Ports of the host, where another program was there first. */

let world: World;
beforeAll(async () => {
  world = await World.make("wkports1", 28_198);
  // Away from the ports that other tests give out.
  world.controlPlane.nextPort = 31_400;
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});

const portTold = async (project: ProjectSpec) =>
  Number(await world.run(project, ["sh", "-c", "echo $DEV_APP_PORT"]).catch(() => ""));
const status = async (port: number) =>
  await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) }).then(
    (answer) => answer.status,
    () => null,
  );

test("a port that somebody else listens on is exchanged; the service answers at the new one, and is told it", async () => {
  const taken = world.controlPlane.nextPort;
  const stranger = createServer((socket) => socket.end("somebody else's\n")).listen(taken, "127.0.0.1");
  await once(stranger, "listening");
  try {
    const project = world.controlPlane.create("crowded", {
      services: { app: { stack: "static", route: "/", publish: true } },
    });
    await world.move(project, "development", "running");
    await world.eventually("the service is told another port", async () => {
      const port = await portTold(project);
      return port > taken && (await status(port)) === 200;
    });
    await world.become(project, "running");
    expect((await world.get(project.namespace)).status).toBe(200);
    expect(world.logs.filter((line) => line.includes('"event":"port-taken"'))).toHaveLength(1);
    // It is still the stranger's.
    expect(stranger.listening).toBe(true);
    expect(await status(taken)).toBeNull();

    const port = await portTold(project);
    await world.remove(project);
    expect(await status(port)).toBeNull();
  } finally {
    stranger.close();
  }
});

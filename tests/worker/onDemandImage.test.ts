import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { GATEWAY_IMAGE } from "../../worker/gateway/config.ts";
import { SecondEngine } from "./secondEngine/secondEngine.ts";
import { World } from "./world.ts";

/**
 * An image of the catalogue that is made only when a project needs it: here it is the project's own turn that has it made.
 * On an engine that has never seen it, so that nobody else on the machine misses theirs.
 */

const IMAGE = "slipway/redis:7";
const PORT = 28_200;
const MADE_WITHIN_MS = 220_000;

describe.skipIf(process.getuid?.() !== 0)("an image that is not there (needs root)", () => {
  let engine: SecondEngine;
  let world: World;
  beforeAll(async () => {
    engine = await SecondEngine.start(PORT);
    await engine.load(new Docker(), [GATEWAY_IMAGE, FIREWALL_IMAGE, "slipway/static:1"]);
    // The builder is a program of its own, and finds its engine as every client of Docker's does.
    vi.stubEnv("DOCKER_HOST", `unix://${engine.socket}`);
    world = await World.make("wkdemnd1", PORT, { docker: engine.docker, get: (path) => engine.get(path) });
    await world.startWorker();
  });
  afterAll(async () => {
    await world?.stopWorker();
    await engine?.end();
    vi.unstubAllEnvs();
  });

  test("is said to be made, is made, and the project runs with it", async () => {
    const project = world.controlPlane.create("first", {
      services: { app: { stack: "static", route: "/" } },
      attachments: [{ image: "redis:7", alias: "cache" }],
    });
    world.controlPlane.move(project.projectId, "development");
    const observed = () => world.controlPlane.observed(project.projectId, "dev");
    const images = () => observed()?.conditions.find(({ type }) => type === "ImagesReady");
    await world.controlPlane.until(() => images()?.status === "false", "ImagesReady false", 60_000);
    expect(observed()?.message).toContain(IMAGE);

    await world.become(project, "running", "dev", MADE_WITHIN_MS);
    expect(images()).toMatchObject({ status: "true" });
    expect((await world.container(project, "cache").inspect()).Config.Image).toBe(IMAGE);
    expect(await world.run(project, ["redis-cli", "ping"], "cache")).toBe("PONG");
    expect((await world.get(project.namespace)).status).toBe(200);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConvexControlPlane } from "../worker/convexControlPlane.ts";
import { WORKER } from "./controlPlane/driver.ts";
import { embeddedFactory, type EmbeddedDriver } from "./controlPlane/embeddedDriver.ts";
import { createProject, environment, move, observed } from "./controlPlane/world.ts";

/** What a worker's own client tells a real backend. */

const factory = await embeddedFactory();
let driver: EmbeddedDriver;
let folder: string;
let worker: ConvexControlPlane;

beforeAll(async () => {
  driver = await factory.open();
  folder = await mkdtemp(join(tmpdir(), "slipway-reports-"));
  const tokenFile = join(folder, "token");
  await writeFile(tokenFile, await driver.mint(WORKER));
  worker = new ConvexControlPlane(
    driver.running.url,
    tokenFile,
    async (spec) => spec,
    () => {},
  );
  await worker.register({
    ...{ name: "host-1", instanceId: "abcd1234", version: "0.1.0", engineVersion: "28.0.0" },
    ...{ cpus: 64, memoryBytes: 256 * 1024 ** 3, stacks: [] },
  });
}, 120_000);
afterAll(async () => {
  await worker?.close();
  await factory.close();
  await rm(folder, { recursive: true, force: true });
});

test("every text is one that Convex takes: whole characters, in UTF-8", async () => {
  const { projectId } = await createProject(driver, "shop");
  await move(driver, "shop", "planning", "development");
  const failed = { ...observed("dev", 2, "failed"), message: "its last lines: \ude80🚀\ud83d" };
  await worker.report(projectId, [failed]);
  expect((await environment(driver, "shop", "dev")).message).toBe("its last lines: \ufffd🚀\ufffd");
});

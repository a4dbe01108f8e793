import Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { checkFirewall, FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { GATEWAY_IMAGE } from "../../worker/gateway/config.ts";
import { SecondEngine } from "./secondEngine/secondEngine.ts";
import { World } from "./world.ts";

/**
 * The engine itself goes: killed, stopped, frozen, restarted, as after a power cut. A second one of the test's own, so
 * that nobody else on the machine notices. It needs namespaces, and so root: elsewhere these tests are left out, by name.
 */

const INSTANCE = "w5test05";
const PORT = 28_188;
/** Short ones, so that a test need not wait as long as a person would. */
const DEADLINES = { readMs: 1_000, changeMs: 20_000 };
const RETRY = { attempts: 3, firstDelayMs: 100, longestDelayMs: 500, slowDelayMs: 1_000, eventDelayMs: 500 };

describe.skipIf(process.getuid?.() !== 0)("an engine (needs root)", () => {
  let engine: SecondEngine;
  let world: World;
  let project: ProjectSpec;

  beforeAll(async () => {
    engine = await SecondEngine.start(PORT);
    await engine.load(new Docker(), [GATEWAY_IMAGE, FIREWALL_IMAGE, "slipway/static:1"]);
    world = await World.make(INSTANCE, PORT, { docker: engine.docker, get: (path) => engine.get(path) });
    await world.startWorker(new DockerEngine(engine.docker, DEADLINES), { retry: RETRY });
    project = world.controlPlane.create("steady", { stack: "static" });
    await world.move(project, "development", "running");
    await world.run(project, ["sh", "-c", "echo kept > /workspace/mine.txt"]);
  });
  afterAll(async () => {
    await world?.stopWorker();
    await engine?.end();
  });

  const observed = () => world.controlPlane.observed(project.projectId, "dev");
  const startedAt = async () => (await world.container(project).inspect()).State.StartedAt;
  /** What a user sees; an engine that is gone may take the gateway with it. */
  const status = async () =>
    await world.get(project.namespace).then(
      ({ status }) => status,
      () => null,
    );

  /** Makes the worker look while it cannot. @returns once the report says that, and why */
  async function toldBlind(why: RegExp): Promise<void> {
    world.controlPlane.edit(project.projectId, { env: { ROUND: `${Date.now()}` } });
    await world.become(project, "failed");
    expect(observed()?.message).toMatch(/^Docker could not list/);
    expect(observed()?.message).toMatch(why);
    expect(observed()?.conditions.map((condition) => condition.status)).not.toContain("true");
  }

  /** All of it: container, files, route, both networks, the host's rules, and the truth at the control plane. */
  async function allIsBack(): Promise<void> {
    await world.become(project, "running");
    await world.eventually("it serves", async () => (await status()) === 200);
    expect(observed()).toMatchObject({ phase: "running", message: "" });
    expect(await world.run(project, ["cat", "/workspace/mine.txt"])).toBe("kept");
    expect(await world.owned()).toEqual(
      [
        `${project.namespace}-dev-app-1`,
        `${project.namespace}_dev`,
        `${project.namespace}_dev_egress`,
        `${project.namespace}_dev_workspace`,
      ].sort(),
    );
    await world.eventually("the firewall is whole", async () => {
      const { findings } = await checkFirewall(engine.docker, { instanceId: INSTANCE });
      return findings.length === 0;
    });
  }

  test("that is killed and comes back on a machine without its rules: everything is as it was", async () => {
    await engine.kill();
    await toldBlind(/ENOENT|ECONNREFUSED/);
    // As after a power cut: no container runs, and the kernel knows no rule of anybody's.
    for (const chain of ["--flush", "--delete-chain"]) await engine.run("iptables", "--wait", chain);
    await engine.boot();
    await allIsBack();
  });

  test("that is stopped in good order, with everything in it, brings everything back", async () => {
    const before = await startedAt();
    await engine.stop();
    expect(await status()).not.toBe(200);
    await engine.boot();
    await allIsBack();
    expect(await startedAt()).not.toBe(before);
  });

  test("that freezes holds nobody up for longer than a deadline, and is told of; what it runs goes on", async () => {
    const before = await startedAt();
    await engine.freeze();
    try {
      const beganAt = Date.now();
      await toldBlind(/no answer within 1 s/);
      // Three attempts of a second each and the pauses between them, on a machine that may be busy.
      expect(Date.now() - beganAt).toBeLessThan(30_000);
      expect(await status()).toBe(200);
    } finally {
      await engine.thaw();
    }
    await allIsBack();
    // What was wanted meanwhile, another environment, needed a container made anew: only now.
    expect(await startedAt()).not.toBe(before);
  });

  test("that keeps its containers alive over its restart interrupts nobody, however it ends", async () => {
    await engine.stop();
    await engine.boot({ liveRestore: true });
    await allIsBack();
    const before = await startedAt();
    const address = (await world.container(project).inspect()).NetworkSettings.Networks[
      `${project.namespace}_dev`
    ]!.IPAddress;
    await engine.kill();
    // Nothing new is wanted: the worker finds out by itself that it cannot look.
    await world.become(project, "failed");
    expect(observed()?.message).toMatch(/ENOENT|ECONNREFUSED/);
    // Docker's proxy for published ports ended with the engine, so the container is asked itself.
    const ask = `fetch("http://${address}:8080/health").then(({ status }) => console.log(status))`;
    expect(await engine.run(process.execPath, "-e", ask)).toBe("200\n");
    await engine.boot({ liveRestore: true });
    await allIsBack();
    expect(await startedAt()).toBe(before);
  });

  test("that is away while a project is deleted: nothing of it is left when it is back", async () => {
    const other = world.controlPlane.create("leaving", { stack: "static" });
    await world.move(other, "development", "running");
    await engine.kill();
    world.controlPlane.move(other.projectId, "deleting");
    await world.eventually("the worker has tried", async () =>
      world.logs.some((line) => line.includes('"event":"retry"') && line.includes(other.projectId)),
    );
    expect(world.controlPlane.rows.has(other.projectId)).toBe(true);
    await engine.boot();
    await world.remove(other);
    await allIsBack();
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { checkFirewall, FIREWALL_IMAGE } from "../../worker/firewall/firewall.ts";
import { withFirewallHelper } from "../../worker/firewall/helper.ts";
import { forwardChainName } from "../../worker/firewall/rules.ts";
import { World } from "./world.ts";
import { longTest } from "../long.ts";

/** What happens behind the worker's back: it finds out and mends it, and touches nothing that is not its own. */

let world: World;
let project: ProjectSpec;
beforeAll(async () => {
  world = await World.make("w2test02", 28_182);
  await world.startWorker();
});
afterAll(async () => {
  await world?.end();
});
beforeEach(async () => {
  project = world.controlPlane.create("drift");
  await world.move(project, "development", "running");
});
afterEach(async () => {
  await world.remove(project);
});

const serves = async () => (await world.get(project.namespace)).status === 200;

describe("a container", () => {
  test("that was killed is started again", async () => {
    const before = (await world.container(project).inspect()).State.StartedAt;
    await world.container(project).kill();
    await world.eventually("serves again", async () => {
      const { State } = await world.container(project).inspect();
      return State.StartedAt !== before && State.Running && (await serves());
    });
  });

  test("that was removed is made again, with the project's files", async () => {
    await world.run(project, ["node", "-e", 'require("fs").writeFileSync("/workspace/mine.txt", "kept")']);
    const before = (await world.container(project).inspect()).Id;
    await world.container(project).remove({ force: true });
    await world.eventually("serves again", async () => {
      const found = await world
        .container(project)
        .inspect()
        .catch(() => null);
      return found !== null && found.Id !== before && (await serves());
    });
    expect(await world.run(project, ["cat", "/workspace/mine.txt"])).toBe("kept");
  });

  longTest("that was paused goes on", async () => {
    await world.container(project).pause();
    await world.eventually("runs", async () => !(await world.container(project).inspect()).State.Paused);
    await world.eventually("serves", serves);
  });

  longTest("that was disconnected is connected again", async () => {
    const network = world.docker.getNetwork(`${project.namespace}_dev`);
    await network.disconnect({ Container: `${project.namespace}-dev-app-1`, Force: true });
    await world.eventually("is connected and serves", async () => {
      const { NetworkSettings } = await world.container(project).inspect();
      return `${project.namespace}_dev` in NetworkSettings.Networks && (await serves());
    });
  });

  longTest("that died while no worker was there is started by the next one", async () => {
    await world.container(project).update({ RestartPolicy: { Name: "no" } });
    await world.stopWorker();
    await world.container(project).kill();
    await world.startWorker();
    await world.eventually("serves", serves);
  });
});

longTest("a network that was removed is made again", async () => {
  const network = world.docker.getNetwork(`${project.namespace}_dev`);
  await network.disconnect({ Container: `${project.namespace}-dev-app-1`, Force: true });
  await network.remove().catch(() => {});
  await world.eventually("serves", serves);
});

test("the gateway's container that was removed is made again, and answers as before", async () => {
  const [gateway] = await world.docker.listContainers({
    filters: { label: [`${LABELS.instance}=${world.instanceId}`, `${LABELS.role}=gateway`] },
  });
  await world.docker.getContainer(gateway!.Id).remove({ force: true });
  await world.eventually("serves", async () => await serves().catch(() => false));
});

describe("objects with our label", () => {
  const NOBODYS = "project_1700000009999_nobodyss";

  test("whose namespace no project owns are removed, and what is not ours stays", async () => {
    const labels = (instance: string, namespace: string) => ({
      [LABELS.instance]: instance,
      [LABELS.namespace]: namespace,
      [LABELS.environment]: "dev",
    });
    await world.docker.createVolume({
      Name: `${NOBODYS}_dev_workspace`,
      Labels: labels(world.instanceId, NOBODYS),
    });
    await world.docker.createNetwork({
      Name: `${NOBODYS}_dev`,
      Labels: labels(world.instanceId, NOBODYS),
      Internal: true,
    });
    const foreign = `${NOBODYS}_foreign`;
    await world.docker.createVolume({ Name: foreign, Labels: labels("zzzz9999", NOBODYS) });
    await world.docker.createVolume({ Name: `${foreign}2` });
    try {
      await world.eventually("orphans are gone", async () =>
        (await world.owned()).every((name) => !name.startsWith(NOBODYS)),
      );
      expect((await world.docker.getVolume(foreign).inspect()).Name).toBe(foreign);
      expect((await world.docker.getVolume(`${foreign}2`).inspect()).Name).toBe(`${foreign}2`);
      expect(await serves()).toBe(true);
    } finally {
      await world.docker.getVolume(foreign).remove();
      await world.docker.getVolume(`${foreign}2`).remove();
    }
  });
});

longTest("firewall rules that another program flushed are back after a minute", async () => {
  const { docker, instanceId } = world;
  const { backends } = await checkFirewall(docker, { instanceId });
  await withFirewallHelper(docker, { instanceId, image: FIREWALL_IMAGE }, async (run) => {
    for (const backend of backends) {
      const flush = [`iptables-${backend}`, "-w", "10", "-F", forwardChainName(instanceId)];
      expect(await run(flush)).toMatchObject({ exitCode: 0 });
    }
  });
  const isWhole = async () => (await checkFirewall(docker, { instanceId })).findings.length === 0;
  expect(await isWhole()).toBe(false);
  await world.eventually("the rules are back", isWhole, 75_000, 2_000);
});

longTest("a worker that starts anew finds everything as it is, and interrupts nobody", async () => {
  const before = (await world.container(project).inspect()).State.StartedAt;
  let asking = true;
  const answers: number[] = [];
  const client = (async () => {
    while (asking) answers.push((await world.get(project.namespace)).status);
  })();
  for (let round = 0; round < 3; round += 1) {
    await world.stopWorker();
    const worker = await world.startWorker();
    await worker.settled();
  }
  asking = false;
  await client;
  expect(answers.length).toBeGreaterThan(10);
  expect(new Set(answers)).toEqual(new Set([200]));
  expect((await world.container(project).inspect()).State.StartedAt).toBe(before);
});

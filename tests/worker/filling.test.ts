import { buffer } from "node:stream/consumers";
import Docker from "dockerode";
import { pack } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LABELS, ownedBy } from "../../core/labels.ts";
import { projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import { renderProject } from "../../core/render/render.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import { execute } from "../../worker/execute.ts";
import { filledVolumes, helpersOf, markOf } from "../../worker/filling/marks.ts";
import { plan } from "../../worker/plan/plan.ts";
import { observe, type Snapshot } from "../../worker/snapshot.ts";

/** A workspace that is in use is never filled again, whatever a worker saw of it before: on the real engine. */

const INSTANCE = "fillings";
const docker = new Docker();
const engine = new DockerEngine(docker);
const spec = projectSpec();
const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: INSTANCE });
const [volume] = project.environments[0]!.volumes;
const VOLUME = volume!.name;
const EMPTY: Snapshot = { containers: [], networks: [], volumes: [] };

const look = async () => observe(engine, { instanceId: INSTANCE, namespace: spec.namespace });
const tarOf = async (content: string) => {
  const tar = pack();
  tar.entry({ name: "workspace/work.txt" }, content);
  tar.finalize();
  return await buffer(tar);
};
/** What a worker does about the workspace that saw `snapshot`; nothing is started. */
const fillAfter = async (snapshot: Snapshot, attempt: string, starter = () => tarOf("the starter's")) => {
  const all = plan({ spec, rendered: project, snapshot, attempt });
  const operations = all.filter(({ target, do: what }) => target.startsWith(VOLUME) && what !== "connect");
  const starters = { tar: starter, files: async () => new Map<string, Buffer>() };
  return await execute(engine, starters, operations, { parallel: 4 });
};
const written = async () => {
  const made = await docker.createContainer({
    Image: "slipway/node:20",
    Cmd: ["cat", "/workspace/work.txt"],
    User: "1000:1000",
    Labels: { [LABELS.instance]: INSTANCE },
    HostConfig: { Binds: [`${VOLUME}:/workspace`] },
  });
  await made.start();
  await made.wait();
  const text = (await made.logs({ stdout: true, stderr: true })).subarray(8).toString();
  await made.remove({ force: true });
  return text;
};
const write = async (content: string) => {
  const made = await docker.createContainer({
    Image: "slipway/node:20",
    Labels: { [LABELS.instance]: INSTANCE },
    HostConfig: { Binds: [`${VOLUME}:/workspace`] },
  });
  await made.putArchive(await tarOf(content), { path: "/" });
  await made.remove({ force: true });
};

async function clean(): Promise<void> {
  const filters = { label: [ownedBy(INSTANCE)] };
  for (const { Id } of await docker.listContainers({ all: true, filters }))
    await docker.getContainer(Id).remove({ force: true });
  for (const { Name } of (await docker.listVolumes({ filters })).Volumes ?? [])
    await docker.getVolume(Name).remove();
}
beforeAll(clean);
afterAll(clean);

test("who fills holds the mark, so that the content cannot come to count before it is whole", async () => {
  const cutOff = () => Promise.reject(new Error("cut off"));
  const { failed } = await fillAfter(EMPTY, "first", cutOff);
  expect(failed.map(({ operation }) => operation.do)).toEqual(["put starters"]);
  const half = await look();
  const mark = markOf(
    half.volumes.find(({ name }) => name === VOLUME)!,
    half.volumes,
  );
  expect(filledVolumes(half)).toEqual(new Set());
  await expect(engine.removeVolume(mark!.name)).rejects.toMatchObject({ fault: "in_use" });
});

test("an interrupted filling is taken up by the next worker, and counts once it is whole", async () => {
  const half = await look();
  expect((await fillAfter(half, "second")).failed).toEqual([]);
  const whole = await look();
  expect(filledVolumes(whole)).toEqual(new Set([VOLUME]));
  expect(helpersOf(VOLUME, whole.containers)).toEqual([]);
  expect(await written()).toBe("the starter's");

  await write("the user's");
  // Somebody who looked before the second worker came, and whose calls arrive only now.
  const late = await fillAfter(half, "late");
  expect(late.failed.map(({ operation }) => operation.do)).toEqual(["confirm unfilled"]);
  expect(String(late.failed[0]!.error)).toContain("counts already");
  expect(await written()).toBe("the user's");
});

test("a worker that saw nothing yet fills nothing that is there by now", async () => {
  const { failed } = await fillAfter(EMPTY, "blind");
  expect(failed[0]).toMatchObject({ operation: { do: "create volume" }, error: { fault: "name_taken" } });
  expect(await written()).toBe("the user's");
});

test("what such workers left behind goes with the next plan, and nothing else", async () => {
  expect((await fillAfter(await look(), "next")).failed).toEqual([]);
  const { volumes, containers } = await look();
  expect(volumes.map(({ name }) => name)).toEqual([VOLUME]);
  expect(containers).toEqual([]);
  expect(await written()).toBe("the user's");
});

import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import { renderProject } from "../../core/render/render.ts";
import type { ContainerPlan, Engine, EngineVolume } from "../engine/engine.ts";
import { mounts } from "../simulation/fakeEngine.ts";
import { filesOf, tarOf, type Files } from "../simulation/archive.ts";
import { takeSnapshot } from "./takeSnapshot.ts";

const WORKSPACE = `${NAMESPACE}_dev_workspace`;
const { project } = renderProject({
  ...{ spec: projectSpec({}, [{}]), stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" },
});
const user = project.environments[0]!.services[0]!;

/** Docker with nothing but volumes, and containers through which files come out of them and go into them. */
class Volumes {
  readonly volumes = new Map<string, EngineVolume & { files: Files }>();
  private readonly containers = new Map<string, ContainerPlan>();

  readonly engine = {
    createVolume: async ({ name, labels }: Pick<EngineVolume, "name" | "labels">) => this.make(name, labels),
    removeVolume: async (name: string) => (this.volumes.delete(name) ? "removed" : "absent"),
    createContainer: async (container: ContainerPlan) => {
      this.containers.set(container.name, container);
      return { id: container.name };
    },
    removeContainer: async (name: string) => (this.containers.delete(name) ? "removed" : "absent"),
    getArchive: async (name: string) => Readable.from([await tarOf(this.filesUnder(name))]),
    putArchive: async (name: string, _path: string, tar: Readable) => {
      for (const [path, content] of await filesOf(tar)) this.filesUnder(name).set(path, content);
    },
    findVolume: async (name: string) => this.volumes.get(name) ?? null,
    listContainers: async () => [],
  } as unknown as Engine;

  /** As Docker: a volume that is there stays as it is. */
  make(name: string, labels: Record<string, string> = {}, files: Files = new Map()) {
    if (!this.volumes.has(name)) this.volumes.set(name, { name, labels, files });
  }

  private filesUnder(container: string): Files {
    return this.volumes.get(mounts(this.containers.get(container)!)[0]!)!.files;
  }

  take(attempt: string) {
    const found = { containers: [], networks: [], volumes: [...this.volumes.values()] };
    return takeSnapshot({
      ...{ engine: this.engine, instanceId: "abcd1234", projectId: "p", namespace: NAMESPACE },
      ...{ user, found, attempt },
    });
  }

  snapshots() {
    return [...this.volumes.values()].filter(({ labels }) => labels[LABELS.snapshot] !== undefined);
  }
}

function docker() {
  const volumes = new Volumes();
  volumes.make(WORKSPACE, {}, new Map([["server.js", "listen()"]]));
  return volumes;
}

test("a snapshot has the workspace's files, is named for them, and nothing else is left", async () => {
  const volumes = docker();
  const { hash } = await volumes.take("a");
  expect(volumes.snapshots()).toMatchObject([{ name: `${NAMESPACE}_snapshot_${hash.slice(0, 16)}` }]);
  expect(volumes.snapshots()[0]!.files.get("server.js")).toBe("listen()");
  expect(volumes.volumes.size).toBe(2);
});

test("one that is there already is not made again", async () => {
  const volumes = docker();
  await volumes.take("a");
  const [before] = volumes.snapshots();
  await volumes.take("b");
  expect(volumes.snapshots()).toEqual([before]);
  expect(volumes.snapshots()[0]).toBe(before);
});

test("a volume of its name that came too late to be filled is no snapshot", async () => {
  const volumes = docker();
  await volumes.take("a");
  const { name, labels } = volumes.snapshots()[0]!;
  // What a worker asked for that died: Docker makes the volume once the mark that belongs to it was taken away.
  volumes.volumes.delete(name);
  volumes.make(name, labels);
  await volumes.take("b");
  expect(volumes.snapshots()[0]!.files.get("server.js")).toBe("listen()");
  expect(volumes.volumes.size).toBe(2);
});

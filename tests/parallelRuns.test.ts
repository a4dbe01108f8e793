import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS, ownedBy } from "../core/labels.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { LET_GO, waitingProject } from "./parallelRuns/barrier.ts";
import { World } from "./worker/world.ts";

/**
 * The test environments of many projects on one host at once, each with a database of its own: nothing of one is in
 * another's way, and nothing is left. Their dev environments stay out of it: they would be 25 databases more.
 */

const AT_ONCE = 25;
/** Only with `npm run test:long`: it shows nothing but how much time is won. */
const COMPARES = process.env.SLIPWAY_LONG_TESTS !== undefined;
const ONE_BY_ONE = 4;
const WITHIN_MS = 600_000;
/** Rarely: what looks 25 times has no less to do than what is looked at. */
const LOOK_EVERY_MS = 500;

let world: World;
let projects: ProjectSpec[];
let atOnceMs: number;
beforeAll(async () => {
  world = await World.make("wkparall", 28_202);
  world.controlPlane.makesReleases = true;
  world.controlPlane.leavesOut.add("dev");
  // Away from the ports that other tests give out.
  world.controlPlane.nextPort = 31_100;
  await world.startWorker();
  // So that no measured time holds the making of the database's image.
  await runTests([create("first")]);
  projects = Array.from({ length: AT_ONCE }, (_, index) => create(`p${index}`));
}, WITHIN_MS);
afterAll(async () => {
  await world?.end();
}, WITHIN_MS);

const create = (word: string) => world.controlPlane.create(word, waitingProject(word));
const release = ({ projectId }: ProjectSpec) => world.controlPlane.release(projectId, 1);
const testOf = ({ projectId }: ProjectSpec) =>
  world.controlPlane.rows.get(projectId)!.spec.environments.find(({ kind }) => kind === "test")!;

/** Moves projects to testing; when the tests of all run, lets them go on. @returns how long it took, all passed */
async function runTests(some: ProjectSpec[], meanwhile = async () => {}): Promise<number> {
  const startedAt = performance.now();
  for (const { projectId } of some) world.controlPlane.move(projectId, "testing");
  await eventually("the tests of all run", async () => (await running(some, "app")) === some.length);
  const pausedAt = performance.now();
  await meanwhile();
  const pausedMs = performance.now() - pausedAt;
  await Promise.all(some.map(letGo));
  const over = () => some.every((project) => ["passed", "failed"].includes(release(project).state));
  await world.controlPlane.until(over, "all tested", WITHIN_MS);
  return performance.now() - startedAt - pausedMs;
}

/** How many of the projects' test environments have that service running, at one instant. */
async function running(some: ProjectSpec[], service: string): Promise<number> {
  const filters = {
    label: [ownedBy(world.instanceId), `${LABELS.environment}=test`, `${LABELS.service}=${service}`],
    status: ["running"],
  };
  const found = await world.docker.listContainers({ filters });
  const projects = new Set(found.map(({ Labels }) => Labels[LABELS.project]));
  return some.filter(({ projectId }) => projects.has(projectId)).length;
}

async function letGo(project: ProjectSpec): Promise<void> {
  await eventually(`${project.slug} is let go`, async () => {
    return await world.run(project, LET_GO, "postgres", "test").then(
      () => true,
      () => false,
    );
  });
}

async function remove(some: ProjectSpec[]): Promise<void> {
  for (const { projectId } of some) world.controlPlane.move(projectId, "deleting");
  const gone = () => some.every(({ projectId }) => !world.controlPlane.rows.has(projectId));
  await world.controlPlane.until(gone, "all gone", WITHIN_MS);
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  await world.eventually(what, condition, WITHIN_MS, LOOK_EVERY_MS);
}

describe(`${AT_ONCE} projects' tests at once`, () => {
  const networks: { name: string; subnets: string[] }[] = [];
  const ports: number[] = [];
  let together = { tests: 0, databases: 0 };
  let portsAnswer: string[] = [];
  beforeAll(async () => {
    atOnceMs = await runTests(projects, async () => {
      together = { tests: await running(projects, "app"), databases: await running(projects, "postgres") };
      ports.push(...projects.flatMap((project) => Object.values(testOf(project).ports ?? {})));
      portsAnswer = await Promise.all(ports.map(askForTls));
      const filters = { label: [ownedBy(world.instanceId)] };
      for (const { Name, IPAM } of await world.docker.listNetworks({ filters })) {
        networks.push({ name: Name, subnets: (IPAM?.Config ?? []).map(({ Subnet }) => Subnet!) });
      }
    });
  }, WITHIN_MS);

  test("run at the same instant, all of them", () => {
    expect(together).toEqual({ tests: AT_ONCE, databases: AT_ONCE });
  });

  test("pass, each having found in its database what it wrote and nothing else", () => {
    const found = projects.map((project) => ({ ...release(project), output: undefined }));
    expect(found.map(({ state, result }) => [state, result?.exitCode])).toEqual(
      projects.map(() => ["passed", 0]),
    );
    expect(projects.map((project) => release(project).result!.output.trim())).toEqual(
      projects.map(({ slug }) => expect.stringMatching(new RegExp(`(^|\\s)${slug}$`))),
    );
  });

  test("have subnets and host ports of their own, and their databases answer at them", () => {
    const subnets = networks.flatMap(({ subnets }) => subnets);
    expect(new Set(subnets).size).toBe(subnets.length);
    for (const { namespace } of projects) {
      expect(networks.map(({ name }) => name)).toContain(`${namespace}_test`);
    }
    expect(ports).toHaveLength(AT_ONCE);
    expect(new Set(ports).size).toBe(AT_ONCE);
    // PostgreSQL's one byte to a client that asks for TLS: N, it has none.
    expect(portsAnswer).toEqual(ports.map(() => "N"));
  });

  test(
    "leave nothing when they are deleted, and their ports are free",
    async () => {
      await remove([...world.controlPlane.rows.values()].map(({ spec }) => spec));
      expect(await world.owned()).toEqual([]);
      expect(await named(projects.map(({ namespace }) => namespace))).toEqual([]);
      expect(await Promise.all(ports.map((port) => askForTls(port).catch(() => "refused")))).toEqual(
        ports.map(() => "refused"),
      );
    },
    WITHIN_MS,
  );
});

test.runIf(COMPARES)(
  `the same one after another takes longer`,
  async () => {
    const some = Array.from({ length: ONE_BY_ONE }, (_, index) => create(`single${index}`));
    let sum = 0;
    for (const project of some) sum += await runTests([project]);
    const scaledMs = (sum / ONE_BY_ONE) * AT_ONCE;
    console.log(
      `${AT_ONCE} test environments at once: ${seconds(atOnceMs)} s. One after another: ${seconds(sum)} s for ` +
        `${ONE_BY_ONE}, which makes ${seconds(scaledMs)} s for ${AT_ONCE} (not run, scaled).`,
    );
    // Twice, because a machine may be busier at one time than at another.
    expect(atOnceMs).toBeLessThan(2 * scaledMs);
    await remove(some);
    expect(await world.owned()).toEqual([]);
  },
  WITHIN_MS,
);

const seconds = (ms: number) => (ms / 1000).toFixed(1);

async function askForTls(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  // SSLRequest: length 8, code 80877103; then the end.
  socket.end(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
  return await text(socket);
}

/** Whatever has one of these namespaces in its name, labelled or not. */
async function named(namespaces: string[]): Promise<string[]> {
  const [containers, networks, { Volumes }] = await Promise.all([
    world.docker.listContainers({ all: true }),
    world.docker.listNetworks(),
    world.docker.listVolumes(),
  ]);
  const names = [
    ...containers.flatMap(({ Names }) => Names),
    ...networks.map(({ Name }) => Name),
    ...Volumes.map(({ Name }) => Name),
  ];
  return names.filter((name) => namespaces.some((namespace) => name.includes(namespace)));
}

import { expect, test } from "vitest";
import { SlipwayError } from "../core/errors.ts";
import { LABELS } from "../core/labels.ts";
import type { EnvironmentObservation, GroupSpec } from "../core/projectSpec.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../core/render/render.fixtures.ts";
import type { HostedProject } from "./controlPlane.ts";
import type { Engine } from "./engine/engine.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { LastLook } from "./lastLook.ts";
import { Orphans } from "./orphans.ts";
import { Presence } from "./presence.ts";
import { renderWanted } from "./renderWanted.ts";
import { resync, type ResyncContext } from "./resync.ts";
import { RouteTable } from "./routeTable.ts";
import { Wanted } from "./wanted.ts";

const STRANGER = "project_1700000000001_strangerr";

/** A host with one project that is read already; `story` is what the look led to. */
async function setUp() {
  const story: string[] = [];
  const calls: string[] = [];
  const presence = new Presence();
  const wanted = new Wanted({ project: async () => projectSpec() }, presence);
  await wanted.read("p1");
  const hosted: HostedProject[] = [{ projectId: "p1", namespace: NAMESPACE, status: "development" }];
  const groups: string[] = [];
  const volumes = [{ name: "v", labels: { [LABELS.namespace]: STRANGER, [LABELS.environment]: "dev" } }];
  const gateway = {
    answeringVersions: async () => new Map([[STRANGER, 1]]),
    removeProject: async (namespace: string) => void story.push(`unroute ${namespace}`),
  } as unknown as Gateway;
  let now = 0;
  const context: ResyncContext = {
    engine: {
      listContainers: async () => (calls.push("containers"), []),
      listNetworks: async () => (calls.push("networks"), []),
      listVolumes: async () => (calls.push("volumes"), volumes),
    } as unknown as Engine,
    controlPlane: { projects: async () => hosted, groups: async () => groups },
    gateway,
    presence,
    wanted,
    routes: new RouteTable(gateway, () => now),
    orphans: new Orphans(1_000),
    lastLook: new LastLook({ elapsed: () => now }),
    instanceId: "abcd1234",
    elapsed: () => now,
    told: () => undefined,
    held: () => new Map(),
    render: (spec) =>
      renderWanted({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" }).project,
    changed: (projectId) => story.push(`changed ${projectId}`),
    drifted: (projectId) => story.push(`drifted ${projectId}`),
    gone: (projectId) => story.push(`gone ${projectId}`),
    orphaned: (namespace) => story.push(`orphaned ${namespace}`),
  };
  return { context, story, calls, hosted, groups, volumes, presence, pass: (ms: number) => (now += ms) };
}

test("a project whose containers are missing has drifted; the whole look is three calls to Docker", async () => {
  const { context, story, calls } = await setUp();
  await resync(context);
  expect(story).toEqual(["drifted p1", `unroute ${STRANGER}`]);
  expect(calls).toEqual(["containers", "networks", "volumes"]);
});

test("which projects live here is told where the control plane says, and not where it is away", async () => {
  const { context, presence } = await setUp();
  const listed: string[][] = [];
  context.listed = (projectIds) => listed.push(projectIds);
  await resync(context);
  expect(listed).toEqual([["p1"]]);
  presence.noteFailure(new SlipwayError({ code: "deadline", message: "It did not answer." }));
  await resync(context);
  expect(listed).toEqual([["p1"]]);
});

test("a container that came late to an environment that is not to run is told", async () => {
  const { context, story } = await setUp();
  const asleep = projectSpec({}, [{ kind: "dev", desired: "hibernated" }]);
  context.wanted = new Wanted({ project: async () => asleep }, context.presence);
  await context.wanted.read("p1");
  const told: EnvironmentObservation = {
    ...{ kind: "dev", observedGeneration: 1, phase: "hibernated", conditions: [], services: [] },
    ...{ endpoints: [], message: "" },
  };
  context.told = () => told;
  await resync(context);
  expect(story).not.toContain("drifted p1");

  const labels = { [LABELS.namespace]: NAMESPACE, [LABELS.environment]: "dev", [LABELS.service]: "app" };
  const late = { id: "0123456789abcdef", name: `${NAMESPACE}-dev-app-1`, image: "", labels };
  context.engine.listContainers = async () => [
    { ...late, state: "created", health: "none", exitCode: null, networks: {} },
  ];
  await resync(context);
  expect(story).toContain("drifted p1");
});

test("what nobody owns is an orphan at the second look", async () => {
  const { context, story, pass } = await setUp();
  await resync(context);
  story.length = 0;
  pass(1_000);
  await resync(context);
  expect(story).toContain(`orphaned ${STRANGER}`);
});

test("what people made of a group stays for a member without a host; what else is there of it is an orphan", async () => {
  const { context, story, groups, volumes, pass } = await setUp();
  const namespace = "group_1700000000002_backend1";
  const kept = { [LABELS.namespace]: namespace, [LABELS.environment]: "dev" };
  groups.push(namespace);
  volumes.splice(0, 1, { name: "data", labels: kept });
  await resync(context);
  pass(1_000);
  await resync(context);
  expect(story).not.toContain(`orphaned ${namespace}`);

  const network = { id: "1", name: "late", labels: kept, subnet: null, internal: true };
  context.engine.listNetworks = async () => [network];
  await resync(context);
  pass(1_000);
  await resync(context);
  expect(story).toContain(`orphaned ${namespace}`);
});

test("another status, a new project and one that is gone are found though nobody told", async () => {
  const { context, story, hosted } = await setUp();
  hosted[0] = { ...hosted[0]!, status: "paused" };
  hosted.push({ projectId: "p2", namespace: STRANGER, status: "planning" });
  await resync(context);
  expect(story).toEqual(["changed p1", "changed p2", "drifted p1"]);
  story.length = 0;
  hosted.length = 0;
  await resync(context);
  expect(story.filter((line) => line.startsWith("gone"))).toEqual(["gone p1", "gone p2"]);
});

test("while the control plane is away drift is found, and nobody is called an orphan or gone", async () => {
  const { context, story, presence, pass } = await setUp();
  await resync(context);
  story.length = 0;
  context.controlPlane.projects = () =>
    Promise.reject(new SlipwayError({ code: "deadline", message: "away" }));
  pass(10_000);
  await resync(context);
  expect(story).toEqual(["drifted p1"]);
  expect(presence.isAway).toBe(true);
});

test("what is left of a group that no member needs any more has a member look at it anew", async () => {
  const { context, story } = await setUp();
  const group: GroupSpec = {
    ...{ name: "backend", namespace: "group_1_backend", attachments: [] },
    ...{ desired: { dev: "absent", test: "absent", deploy: "absent" }, subnets: {} },
  };
  const spec = { ...projectSpec({ group: "backend" }, [{ kind: "dev", desired: "absent" }]), group };
  context.wanted = new Wanted({ project: async () => spec }, context.presence);
  await context.wanted.read("p1");
  await resync(context);
  expect(story).not.toContain("changed p1");

  const late = { [LABELS.namespace]: group.namespace, [LABELS.environment]: "dev" };
  const filler = { id: "1", name: "group_1_backend_dev_data_db_filler_a1", image: "", labels: late };
  context.engine.listContainers = async () => [
    { ...filler, state: "created", health: "none", exitCode: null, networks: {} },
  ];
  await resync(context);
  expect(story).toContain("changed p1");
});

import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { ManifestInput } from "../../core/manifest.ts";
import type { EnvironmentSpec, GroupSpec } from "../../core/projectSpec.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import { renderProject } from "../../core/render/render.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import { printPlan, type Operation } from "./operation.ts";
import { plan, planRemoval, type PlanInput } from "./plan.ts";

/** Names are shortened to `ns` so that a plan reads as a person would see it. */
const text = (operations: Operation[]) => printPlan(operations).replaceAll(NAMESPACE, "ns");

const EMPTY: Snapshot = { containers: [], networks: [], volumes: [] };

function planFor(
  environments: Partial<EnvironmentSpec>[],
  snapshot: Snapshot = EMPTY,
  more: Partial<PlanInput> & { manifest?: Partial<ManifestInput>; group?: GroupSpec } = {},
) {
  const spec = { ...projectSpec(more.manifest, environments), group: more.group };
  const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  return text(plan({ spec, rendered: project, snapshot, ...more }));
}

/** Docker as it is once the plan of `environments` was done. */
function converged(
  environments: Partial<EnvironmentSpec>[] = [{}],
  {
    manifest,
    container = {},
    group,
  }: { manifest?: Partial<ManifestInput>; container?: Partial<EngineContainer>; group?: GroupSpec } = {},
): Snapshot {
  const spec = { ...projectSpec(manifest, environments), group };
  const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  return {
    networks: project.environments.flatMap(({ networks }) =>
      networks.map(({ name, labels, internal, subnet }) => ({
        id: `id-${name}`,
        name,
        labels,
        internal,
        subnet,
      })),
    ),
    volumes: project.environments.flatMap(({ volumes }) =>
      volumes.map(({ name, labels }) => ({ name, labels })),
    ),
    containers: project.environments.flatMap(({ kind, services }) =>
      services.map(({ service, labels, image, configHash, networks }) => ({
        id: `id-${kind}-${service}`,
        name: `${NAMESPACE}-${kind}-${service}-1`,
        image,
        labels: { ...labels, [LABELS.configHash]: configHash },
        state: "running" as const,
        health: "healthy" as const,
        exitCode: null,
        networks: Object.fromEntries(networks.map(({ name }, index) => [name, `10.248.0.${2 + index}`])),
        ...container,
      })),
    ),
  };
}

const marker = {
  name: `${NAMESPACE}_dev_workspace_unfilled`,
  labels: { [LABELS.role]: "fill", [LABELS.environment]: "dev" },
};

describe("an environment that is to run", () => {
  test("is made from nothing, networks beside the volume, and starts once its files are there", () => {
    expect(planFor([{ desired: "running" }])).toMatchInlineSnapshot(`
      "1. create network ns_dev (internal, 10.248.0.0/26): dev is to run and has no such network
      2. create network ns_dev_egress (open, 10.248.0.64/26): dev is to run and has no such network
      3. create volume ns_dev_workspace_unfilled_next: dev is to run and has no ns_dev_workspace
      4. create volume ns_dev_workspace after 3: dev is to run and has no ns_dev_workspace
      5. create container ns_dev_workspace_filler_next (slipway/node:20) after 4: dev is to run and has no ns_dev_workspace
      6. confirm unfilled ns_dev_workspace for ns_dev_workspace_filler_next after 5: ns_dev_workspace must be nobody's yet
      7. put starters node into . by ns_dev_workspace_filler_next after 6: ns_dev_workspace begins as the starter of node
      8. remove container ns_dev_workspace_filler_next after 6, 7: ns_dev_workspace is filled
      9. remove volume ns_dev_workspace_unfilled_next after 8: ns_dev_workspace is filled: from here on it is the project's own
      10. create container ns-dev-app-1 (slipway/node:20) after 4, 1: dev is to run and has no such container
      11. connect ns-dev-app-1 to ns_dev_egress after 10, 2: it is made on one network only
      12. confirm filled ns_dev_workspace for ns-dev-app-1 after 10, 9: ns-dev-app-1 was never started
      13. start container ns-dev-app-1 after 10, 11, 12: dev is to run"
    `);
  });

  test("needs nothing when it is as it should be", () => {
    expect(planFor([{}], converged())).toBe("");
  });

  test("gets its missing image first", () => {
    expect(planFor([{}], EMPTY, { missingImages: new Set(["slipway/node:20"]) })).toContain(
      "pull image slipway/node:20: this host does not have it",
    );
  });

  test.each([
    [
      { state: "exited", exitCode: 137 },
      "1. start container ns-dev-app-1: dev is to run, and it ended with 137",
    ],
    [
      { state: "created" },
      `1. confirm filled ns_dev_workspace for ns-dev-app-1: ns-dev-app-1 was never started
2. start container ns-dev-app-1 after 1: dev is to run, and it was never started`,
    ],
    [{ state: "paused" }, "1. unpause container ns-dev-app-1: dev is to run, and it is paused"],
    [{ state: "restarting" }, ""],
    [{ health: "unhealthy" }, ""],
  ] as const)("mends a container that is %o", (container, expected) => {
    expect(planFor([{}], converged([{}], { container }))).toBe(expected);
  });

  test("is connected again where it was disconnected", () => {
    const container = { networks: { [`${NAMESPACE}_dev_egress`]: "10.248.0.66" } };
    expect(planFor([{}], converged([{}], { container }))).toBe(
      "1. connect ns-dev-app-1 to ns_dev: it is not connected",
    );
  });

  test("gets back a network that was removed", () => {
    const snapshot = converged([{}], { container: { networks: {}, state: "exited", exitCode: 0 } });
    expect(planFor([{}], { ...snapshot, networks: snapshot.networks.slice(1) })).toMatchInlineSnapshot(`
      "1. create network ns_dev (internal, 10.248.0.0/26): dev is to run and has no such network
      2. connect ns-dev-app-1 to ns_dev after 1: it is not connected
      3. connect ns-dev-app-1 to ns_dev_egress: it is not connected
      4. start container ns-dev-app-1 after 2, 3, 1: dev is to run, and it ended with 0"
    `);
  });

  test("is connected again where its group's network was made anew while it stood still", () => {
    const GROUP: GroupSpec = {
      ...{ name: "backend", namespace: "group_1_backend", attachments: [] },
      ...{ desired: { dev: "running", test: "absent", deploy: "absent" }, subnets: { dev: "10.248.9.0/26" } },
    };
    const stopped: Partial<EngineContainer> = {
      ...{ state: "exited", exitCode: 143 },
      networks: { [`${NAMESPACE}_dev`]: null, [`${NAMESPACE}_dev_egress`]: null, group_1_backend_dev: null },
      networkIds: { group_1_backend_dev: "id-before" },
    };
    const snapshot = converged([{}], { container: stopped, group: GROUP });
    const planned = (id: string) =>
      planFor([{}], snapshot, { group: GROUP, shared: new Map([["group_1_backend_dev", id]]) });
    expect(planned("id-before")).toBe(
      "1. start container ns-dev-app-1: dev is to run, and it ended with 143",
    );
    expect(planned("id-after")).toMatchInlineSnapshot(`
      "1. connect ns-dev-app-1 to group_1_backend_dev: it is not connected
      2. start container ns-dev-app-1 after 1: dev is to run, and it ended with 143"
    `);
  });

  test("replaces only the container whose configuration changed", () => {
    const services = { web: { stack: "static", route: "/" }, api: { stack: "node", route: "/api" } };
    const before = converged([{}], { manifest: { services } });
    const manifest = { services: { ...services, api: { ...services.api, env: { LOG: "debug" } } } };
    expect(planFor([{}], before, { manifest })).toMatchInlineSnapshot(`
      "1. remove container ns-dev-api-1: its configuration changed
      2. create container ns-dev-api-1 (slipway/node:20) after 1: dev is to run and has no such container
      3. connect ns-dev-api-1 to ns_dev_egress after 2: it is made on one network only
      4. confirm filled ns_dev_workspace for ns-dev-api-1 after 2: ns-dev-api-1 was never started
      5. put missing starter node into api by ns-dev-api-1 after 4: ns_dev_workspace may be older than ns-dev-api-1
      6. start container ns-dev-api-1 after 2, 3, 5: dev is to run"
    `);
  });

  test("moves to another subnet with everything on it", () => {
    expect(planFor([{ subnet: "10.248.9.0/26" }], converged())).toMatchInlineSnapshot(`
      "1. remove container ns-dev-app-1: its network is to go: its subnet is 10.248.0.0/26, not 10.248.9.0/26
      2. remove network ns_dev after 1: its subnet is 10.248.0.0/26, not 10.248.9.0/26
      3. create network ns_dev (internal, 10.248.9.0/26) after 2: its subnet is 10.248.0.0/26, not 10.248.9.0/26
      4. create container ns-dev-app-1 (slipway/node:20) after 1, 3: dev is to run and has no such container
      5. connect ns-dev-app-1 to ns_dev_egress after 4: it is made on one network only
      6. confirm filled ns_dev_workspace for ns-dev-app-1 after 4: ns-dev-app-1 was never started
      7. start container ns-dev-app-1 after 4, 5, 6: dev is to run"
    `);
  });

  test("loses a service that the manifest no longer has", () => {
    const services = { web: { stack: "static", route: "/" }, api: { stack: "static", route: "/api" } };
    const before = converged([{}], { manifest: { services } });
    before.containers.push({ ...before.containers[0]!, name: `${NAMESPACE}-dev-old-1` });
    expect(planFor([{}], before, { manifest: { services } })).toBe(
      "1. remove container ns-dev-old-1: dev has no such service any more",
    );
  });

  test("is left alone while it cannot be rendered", () => {
    const spec = projectSpec();
    expect(plan({ spec, rendered: null, snapshot: converged() })).toEqual([]);
  });

  test("does not start what crashes in a loop", () => {
    const held = new Map([[`${NAMESPACE}-dev-app-1`, "it crashed 5 times within 2 minutes"]]);
    expect(planFor([{}], converged([{}], { container: { state: "restarting" } }), { held })).toBe(
      "1. stop container ns-dev-app-1: it crashed 5 times within 2 minutes",
    );
    expect(planFor([{}], converged([{}], { container: { state: "exited" } }), { held })).toBe("");
  });
});

describe("a workspace", () => {
  test("is filled again where filling was interrupted, before anything starts", () => {
    const snapshot = { ...converged([{}], { container: { state: "created" } }) };
    snapshot.volumes = [...snapshot.volumes, marker];
    expect(planFor([{}], snapshot)).toMatchInlineSnapshot(`
      "1. create container ns_dev_workspace_filler_next (slipway/node:20): filling ns_dev_workspace was interrupted
      2. confirm unfilled ns_dev_workspace for ns_dev_workspace_filler_next after 1: ns_dev_workspace must be nobody's yet
      3. put starters node into . by ns_dev_workspace_filler_next after 2: ns_dev_workspace begins as the starter of node
      4. remove container ns_dev_workspace_filler_next after 2, 3: ns_dev_workspace is filled
      5. remove volume ns_dev_workspace_unfilled after 4: ns_dev_workspace is filled: from here on it is the project's own
      6. confirm filled ns_dev_workspace for ns-dev-app-1 after 5: ns-dev-app-1 was never started
      7. start container ns-dev-app-1 after 5, 6: dev is to run, and it was never started"
    `);
  });

  test("whose filling was interrupted before the manifest changed gets what was begun for the one before, too", () => {
    const snapshot = converged([{}], { container: { state: "created" } });
    const begins = (starters: object[]) => ({ [LABELS.begins]: JSON.stringify(starters) });
    const put = (labels: Record<string, string>) => {
      snapshot.volumes = [
        { ...snapshot.volumes[0]!, labels: { ...snapshot.volumes[0]!.labels, ...labels } },
        marker,
      ];
      return planFor([{}], snapshot)
        .split("\n")
        .find((line) => line.includes("put starters"));
    };
    expect(put(begins([{ stack: "static", folder: "web" }]))).toContain(
      "put starters node into ., static into web",
    );
    expect(put(begins([{ stack: "static", folder: "." }]))).toContain("put starters node into . by");
    expect(put({ [LABELS.begins]: "{" })).toContain("put starters node into . by");
  });

  test("is the project's own once a service ran on it, whatever was left behind", () => {
    const snapshot = converged();
    snapshot.volumes = [...snapshot.volumes, marker];
    expect(planFor([{}], snapshot)).toBe(
      "1. remove volume ns_dev_workspace_unfilled: ns_dev_workspace is filled already",
    );
  });

  test("is not filled again once its own mark is gone, whatever helpers and other marks were left", () => {
    const snapshot = converged([{}], { container: { state: "created" } });
    const [container] = snapshot.containers;
    const fill = { [LABELS.role]: "fill", [LABELS.environment]: "dev" };
    const name = `${NAMESPACE}_dev_workspace_filler_a1`;
    snapshot.containers.push({ ...container!, name, labels: fill });
    snapshot.volumes = [
      { ...snapshot.volumes[0]!, labels: { ...snapshot.volumes[0]!.labels, [LABELS.filling]: "a1" } },
      { name: `${NAMESPACE}_dev_workspace_unfilled_b2`, labels: { ...fill, [LABELS.filling]: "b2" } },
      { name: `${NAMESPACE}_dev_workspace_unfilled_a1`, labels: { ...fill, [LABELS.filling]: "none" } },
    ];
    expect(planFor([{}], snapshot).split("\n")).toEqual([
      "1. remove container ns_dev_workspace_filler_a1: ns_dev_workspace is filled already",
      "2. remove volume ns_dev_workspace_unfilled_b2 after 1: ns_dev_workspace is filled already",
      "3. remove volume ns_dev_workspace_unfilled_a1 after 1: ns_dev_workspace is filled already",
      "4. confirm filled ns_dev_workspace for ns-dev-app-1: ns-dev-app-1 was never started",
      "5. start container ns-dev-app-1 after 4: dev is to run, and it was never started",
    ]);
  });

  test("that Docker made again, empty, for a container that never ran is made anew, and so is the container", () => {
    const snapshot = converged([{}], { container: { state: "created" } });
    const labels = { ...snapshot.volumes[0]!.labels, [LABELS.filling]: "none" };
    snapshot.volumes = [{ ...snapshot.volumes[0]!, labels }];
    snapshot.containers[0]!.volumes = [snapshot.volumes[0]!.name];
    const lines = planFor([{}], snapshot).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "1. remove container ns-dev-app-1: Docker made ns_dev_workspace again, empty, for a container whose volume was gone",
      "2. remove volume ns_dev_workspace after 1: Docker made ns_dev_workspace again, empty, for a container whose volume was gone",
      "3. create volume ns_dev_workspace_unfilled_next: dev is to run and has no ns_dev_workspace",
      "4. create volume ns_dev_workspace after 2, 3: dev is to run and has no ns_dev_workspace",
    ]);
    expect(lines.at(-1)).toMatch(/start container ns-dev-app-1/);
  });

  test("that is in use gets the starter of a service that came later, where its folder is missing", () => {
    const web = { stack: "static", route: "/", folder: "web" };
    const manifest = { services: { web, api: { stack: "node", route: "/api" } } };
    const lines = planFor([{}], converged([{}], { manifest: { services: { web } } }), { manifest }).split(
      "\n",
    );
    expect(lines.filter((line) => line.includes("dev-api-1"))).toMatchInlineSnapshot(`
      [
        "1. create container ns-dev-api-1 (slipway/node:20): dev is to run and has no such container",
        "2. connect ns-dev-api-1 to ns_dev_egress after 1: it is made on one network only",
        "3. confirm filled ns_dev_workspace for ns-dev-api-1 after 1: ns-dev-api-1 was never started",
        "4. put missing starter node into api by ns-dev-api-1 after 3: ns_dev_workspace may be older than ns-dev-api-1",
        "5. start container ns-dev-api-1 after 1, 2, 4: dev is to run",
      ]
    `);
    expect(lines.filter((line) => line.includes("dev-web-1") && line.includes("starter"))).toEqual([]);
  });

  test("gets a starter that came later by one of a service's replicas, before any of them starts", () => {
    const web = { stack: "static", route: "/", folder: "web" };
    const manifest = { services: { web, api: { stack: "node", replicas: 2, folder: "api" } } };
    const before = converged([{}], { manifest: { services: { web } } });
    const lines = planFor([{}], before, { manifest }).split("\n");
    expect(lines.filter((line) => /put missing|confirm|start container ns-dev-api/.test(line)))
      .toMatchInlineSnapshot(`
      [
        "3. confirm filled ns_dev_workspace for ns-dev-api-1 after 1: ns-dev-api-1 was never started",
        "4. put missing starter node into api by ns-dev-api-1 after 3: ns_dev_workspace may be older than ns-dev-api-1",
        "5. start container ns-dev-api-1 after 1, 2, 4: dev is to run",
        "8. confirm filled ns_dev_workspace for ns-dev-api-2 after 6: ns-dev-api-2 was never started",
        "9. start container ns-dev-api-2 after 6, 7, 8, 4: dev is to run",
      ]
    `);
  });

  test("of a test environment begins as dev's", () => {
    const both = [{ kind: "dev" as const }, { kind: "test" as const }];
    const lines = planFor(both, converged([{ kind: "dev" }])).split("\n");
    expect(lines.filter((line) => line.includes("workspace"))).toMatchInlineSnapshot(`
      [
        "3. create volume ns_test_workspace_unfilled_next: test is to run and has no ns_test_workspace",
        "4. create volume ns_test_workspace after 3: test is to run and has no ns_test_workspace",
        "5. create container ns_test_workspace_filler_next (slipway/node:20) after 4: test is to run and has no ns_test_workspace",
        "6. confirm unfilled ns_test_workspace for ns_test_workspace_filler_next after 5: ns_test_workspace must be nobody's yet",
        "7. create container ns_test_workspace_reader_next (slipway/node:20): ns_test_workspace begins as ns_dev_workspace",
        "8. confirm filled ns_dev_workspace for ns_test_workspace_reader_next after 7: ns_test_workspace begins as ns_dev_workspace",
        "9. copy workspace by ns_test_workspace_filler_next after 6, 8: ns_test_workspace begins as ns_dev_workspace",
        "10. remove container ns_test_workspace_filler_next after 6, 9: ns_test_workspace is filled",
        "11. remove container ns_test_workspace_reader_next after 6, 9: ns_test_workspace is filled",
        "12. remove volume ns_test_workspace_unfilled_next after 10, 11: ns_test_workspace is filled: from here on it is the project's own",
        "15. confirm filled ns_test_workspace for ns-test-app-1 after 13, 12: ns-test-app-1 was never started",
      ]
    `);
  });
});

describe("a volume of a hard size", () => {
  const GIB = 1024 ** 3;
  const sized = (sizeBytes: number, container: Partial<EngineContainer> = {}) => {
    const snapshot = converged([{}], { container });
    return { ...snapshot, volumes: snapshot.volumes.map((volume) => ({ ...volume, sizeBytes })) };
  };

  test("grows while nobody uses it", () => {
    expect(planFor([{}], sized(GIB))).toMatchInlineSnapshot(`
      "1. stop container ns-dev-app-1: ns_dev_workspace is to grow from 1 GiB to 10 GiB
      2. grow volume ns_dev_workspace to 10 GiB after 1: ns_dev_workspace is to grow from 1 GiB to 10 GiB
      3. start container ns-dev-app-1 after 2: dev is to run, and it was stopped for its volume to grow"
    `);
    expect(planFor([{}], sized(GIB, { state: "exited", exitCode: 0 }))).toMatchInlineSnapshot(`
      "1. grow volume ns_dev_workspace to 10 GiB: ns_dev_workspace is to grow from 1 GiB to 10 GiB
      2. start container ns-dev-app-1 after 1: dev is to run, and it ended with 0"
    `);
  });

  test("is never made smaller, and needs nothing where it is as it should be", () => {
    expect(planFor([{}], sized(20 * GIB))).toBe("");
    expect(planFor([{}], sized(10 * GIB))).toBe("");
  });

  test("is made anew for a container that changes with it", () => {
    const manifest = { env: { LOG: "debug" } };
    expect(planFor([{}], sized(GIB), { manifest })).toMatchInlineSnapshot(`
      "1. remove container ns-dev-app-1: its configuration changed
      2. grow volume ns_dev_workspace to 10 GiB after 1: ns_dev_workspace is to grow from 1 GiB to 10 GiB
      3. create container ns-dev-app-1 (slipway/node:20) after 1, 2: dev is to run and has no such container
      4. connect ns-dev-app-1 to ns_dev_egress after 3: it is made on one network only
      5. confirm filled ns_dev_workspace for ns-dev-app-1 after 3: ns-dev-app-1 was never started
      6. start container ns-dev-app-1 after 3, 4, 5: dev is to run"
    `);
  });
});

describe("an environment that is not to run", () => {
  test("hibernates by stopping, and keeps everything", () => {
    expect(planFor([{ desired: "hibernated" }], converged())).toBe(
      "1. stop container ns-dev-app-1: dev is to hibernate, and it is running",
    );
    expect(planFor([{ desired: "hibernated" }], converged([{}], { container: { state: "exited" } }))).toBe(
      "",
    );
    expect(planFor([{ desired: "hibernated" }], converged([{}], { container: { state: "paused" } }))).toBe(
      "1. unpause container ns-dev-app-1: a paused one cannot be stopped\n" +
        "2. stop container ns-dev-app-1 after 1: dev is to hibernate, and it is paused",
    );
  });

  test("hibernates by pausing where the manifest says so", () => {
    const manifest = { environments: { dev: { hibernate: "pause" as const } } };
    const planned = (state: EngineContainer["state"]) =>
      planFor([{ desired: "hibernated" }], converged([{}], { container: { state } }), { manifest });
    expect(planned("running")).toBe(
      "1. pause container ns-dev-app-1: dev is to hibernate by pausing, and it is running",
    );
    expect(planned("paused")).toBe("");
    expect(planned("restarting")).toBe(
      "1. stop container ns-dev-app-1: dev is to hibernate, and it is restarting",
    );
  });

  test("goes, containers first, and takes its volumes along unless they are to be kept", () => {
    expect(planFor([{ desired: "absent" }], converged())).toMatchInlineSnapshot(`
      "1. remove container ns-dev-app-1: dev is to be absent
      2. remove network ns_dev after 1: dev is to be absent
      3. remove network ns_dev_egress after 1: dev is to be absent
      4. remove volume ns_dev_workspace after 1: dev is to be absent"
    `);
    expect(planFor([{ desired: "absent", keepVolumes: true }], converged())).not.toContain("volume");
  });

  test("goes even where it cannot be rendered", () => {
    const spec = projectSpec({}, [{ desired: "absent" }]);
    expect(text(plan({ spec, rendered: null, snapshot: converged() }))).toContain(
      "remove container ns-dev-app-1",
    );
  });
});

test("what no project owns is removed, the volume before the mark that it is unfilled", () => {
  const snapshot = converged();
  snapshot.volumes = [marker, ...snapshot.volumes];
  expect(text(planRemoval(snapshot, "no project owns ns"))).toMatchInlineSnapshot(`
    "1. remove container ns-dev-app-1: no project owns ns
    2. remove network ns_dev after 1: no project owns ns
    3. remove network ns_dev_egress after 1: no project owns ns
    4. remove volume ns_dev_workspace after 1: no project owns ns
    5. remove volume ns_dev_workspace_unfilled after 1, 4: no project owns ns"
  `);
});

import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { EnvironmentSpec, ReleaseSpec } from "../../core/projectSpec.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import { renderProject } from "../../core/render/render.ts";
import type { EngineContainer, EngineVolume } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import { printPlan } from "./operation.ts";
import { plan } from "./plan.ts";
import { PlanBuilder } from "./planBuilder.ts";
import { planOldWorkspaces } from "./planOldWorkspaces.ts";

/** What a plan does about releases: their snapshots, their workspaces, their tests. */

const HASH = "a1".repeat(32);
const OTHER = "b2".repeat(32);
const EMPTY: Snapshot = { containers: [], networks: [], volumes: [] };
const VERDICT = { exitCode: 0, timedOut: false, durationMs: 1, services: [] };

function specWith(kind: "test" | "deploy", release: Partial<ReleaseSpec>, env: Record<string, string> = {}) {
  const { manifest } = projectSpec({ env });
  const full: ReleaseSpec = { releaseId: "r", number: 2, snapshot: HASH, manifest, result: null, ...release };
  const environments: Partial<EnvironmentSpec>[] = [{ kind, release: full }];
  return projectSpec({}, environments);
}

function lines(spec: ReturnType<typeof projectSpec>, snapshot: Snapshot): string[] {
  const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  return printPlan(plan({ spec, rendered: project, snapshot }))
    .replaceAll(NAMESPACE, "ns")
    .split("\n")
    .filter((line) => line !== "");
}

const snapshotVolume = (hash: string): EngineVolume => ({
  name: `${NAMESPACE}_snapshot_${hash.slice(0, 16)}`,
  labels: { [LABELS.role]: "snapshot", [LABELS.snapshot]: hash },
});
const fillVolume = (name: string): EngineVolume => ({
  name: `${NAMESPACE}_${name}`,
  labels: { [LABELS.role]: "fill" },
});
const workspace = (name: string, kind: string, release: string): EngineVolume => ({
  name: `${NAMESPACE}_${name}`,
  labels: { [LABELS.environment]: kind, [LABELS.release]: release },
});

/** Docker as it is once the plan of `spec` was done, but for what a test ended with. */
function converged(spec: ReturnType<typeof projectSpec>, container: Partial<EngineContainer> = {}): Snapshot {
  const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  const [environment] = project.environments;
  return {
    networks: environment!.networks.map((network) => ({ ...network, id: network.name })),
    volumes: [...environment!.volumes.map(({ name, labels }) => ({ name, labels })), snapshotVolume(HASH)],
    containers: environment!.services.map(({ service, labels, image, configHash, networks }) => ({
      id: service,
      name: `${NAMESPACE}-${environment!.kind}-${service}-1`,
      image,
      labels: { ...labels, [LABELS.configHash]: configHash },
      state: "exited",
      health: "none",
      exitCode: 0,
      networks: Object.fromEntries(networks.map(({ name }) => [name, null])),
      ...container,
    })),
  };
}

describe("an environment with a release", () => {
  test("is left as it is until there is the release's snapshot", () => {
    expect(lines(specWith("test", { snapshot: null }), EMPTY)).toEqual([]);
    expect(lines(specWith("deploy", {}), EMPTY)).toEqual([]);
    // Its tests have passed, and yet there is nothing to fill its workspace from.
    expect(lines(specWith("deploy", { result: VERDICT }), EMPTY)).toEqual([]);
    const half = {
      ...EMPTY,
      volumes: [snapshotVolume(HASH), fillVolume(`snapshot_${HASH.slice(0, 16)}_unfilled`)],
    };
    expect(lines(specWith("deploy", {}), half).filter((line) => !line.includes("snapshot"))).toEqual([]);
  });

  test.each([
    ["test", "ns_test_workspace_r2"],
    ["deploy", `ns_deploy_workspace_${HASH.slice(0, 16)}`],
  ] as const)("%s begins with the snapshot, in a workspace of its own", (kind, name) => {
    const found = lines(specWith(kind, {}), { ...EMPTY, volumes: [snapshotVolume(HASH)] });
    expect(found.join("\n")).toContain(
      `copy workspace by ${name}_filler_next after 6, 8: ${name} begins as ns_snapshot_${HASH.slice(0, 16)}`,
    );
  });

  test("gives up the workspace of the release before, and what is left of filling it, after its container", () => {
    const old = specWith("test", { number: 1 });
    const before = converged(old);
    before.volumes.push({ ...workspace("test_workspace_r1_unfilled", "test", "1") });
    before.volumes.at(-1)!.labels[LABELS.role] = "fill";
    const found = lines(specWith("test", { number: 2 }), before);
    expect(found[0]).toBe("1. remove container ns-test-app-1: its configuration changed");
    expect(found.filter((line) => line.includes("another release"))).toEqual([
      "12. remove volume ns_test_workspace_r1 after 1: test runs another release now",
      "13. remove volume ns_test_workspace_r1_unfilled after 12: test runs another release now",
    ]);
  });

  test("gives up what a call that came late had Docker make again of an earlier release's, empty", () => {
    const spec = specWith("test", {});
    const before = converged(spec);
    const late = ["test_workspace_r1", "test_workspace_r1_unfilled_a1"].map((name) => {
      const volume = workspace(name, "test", "1");
      return { ...volume, labels: { ...volume.labels, [LABELS.role]: "fill", [LABELS.filling]: "none" } };
    });
    before.volumes.push(...late);
    const filler = { ...late[0]!.labels, [LABELS.role]: "fill" };
    const name = `${NAMESPACE}_test_workspace_r1_filler_a1`;
    before.containers.push({ ...before.containers[0]!, name, labels: filler, state: "created" });
    expect(lines(spec, before)).toEqual([
      "1. remove container ns_test_workspace_r1_filler_a1: test has no use for what it fills any more",
      "2. remove volume ns_test_workspace_r1 after 1: test runs another release now",
      "3. remove volume ns_test_workspace_r1_unfilled_a1 after 1: test runs another release now",
    ]);
  });

  test("keeps the workspace of a release of which a container stays", () => {
    const spec = specWith("test", {});
    const before = converged(spec);
    before.volumes.push(workspace("test_workspace_r1", "test", "1"));
    expect(lines(spec, before)).toEqual([
      "1. remove volume ns_test_workspace_r1: test runs another release now",
    ]);
    const labels = { ...before.containers[0]!.labels, [LABELS.release]: "1", [LABELS.role]: "x" };
    const snapshot = { ...before, containers: [{ ...before.containers[0]!, labels }] };
    const { project } = renderProject({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
    const builder = new PlanBuilder();
    planOldWorkspaces(builder, project.environments[0]!, snapshot, new Map());
    expect(builder.operations).toEqual([]);
    // Of another release, but with the same content.
    const volumes = [before.volumes.at(-1)!.name];
    const shares = { ...before.containers[0]!, labels: { ...labels, [LABELS.release]: "9" }, volumes };
    planOldWorkspaces(builder, project.environments[0]!, { ...before, containers: [shares] }, new Map());
    expect(builder.operations).toEqual([]);
  });
});

describe("tests", () => {
  test("that ended or run are left alone, whatever was changed since", () => {
    const before = converged(specWith("test", {}));
    expect(lines(specWith("test", {}, { CHANGED: "yes" }), before)).toEqual([]);
    const running = converged(specWith("test", {}), { state: "running", exitCode: null });
    expect(lines(specWith("test", {}, { CHANGED: "yes" }), running)).toEqual([]);
  });

  test("that have a result are not made again, nor their files", () => {
    const before = converged(specWith("test", {}));
    expect(lines(specWith("test", { result: VERDICT }), { ...before, containers: [], volumes: [] })).toEqual(
      [],
    );
    expect(lines(specWith("test", {}), { ...before, containers: [] })).toEqual([
      expect.stringContaining("create container ns-test-app-1"),
      expect.stringContaining("connect ns-test-app-1"),
      expect.stringContaining("confirm filled ns_test_workspace_r2 for ns-test-app-1"),
      expect.stringContaining("start container ns-test-app-1"),
    ]);
  });
});

describe("snapshots", () => {
  test("that no kept release needs go, the others stay", () => {
    const spec = { ...projectSpec({}, [{ desired: "absent", keepVolumes: true }]), snapshots: [HASH] };
    const found = { ...EMPTY, volumes: [snapshotVolume(HASH), snapshotVolume(OTHER)] };
    expect(lines(spec, found)).toEqual([
      `1. remove volume ns_snapshot_${OTHER.slice(0, 16)}: no release that is kept needs it`,
    ]);
    expect(lines({ ...spec, snapshots: undefined }, found)).toEqual([]);
  });

  test("that no kept release needs stay while one waits for its own: it may be told already, without an answer", () => {
    const spec = specWith("test", { snapshot: null });
    const found = { ...EMPTY, volumes: [snapshotVolume(OTHER)] };
    const removals = (one: typeof spec) =>
      lines(one, found).filter((line) => line.includes("remove volume ns_snapshot"));
    expect(removals({ ...spec, snapshots: [] })).toEqual([]);
    const [environment] = spec.environments;
    const absent = {
      ...spec,
      environments: [{ ...environment!, desired: "absent" as const }],
      snapshots: [],
    };
    expect(removals(absent)).toHaveLength(1);
  });

  test("that were not taken whole go, before the mark that says so", () => {
    const spec = { ...projectSpec({}, [{ desired: "absent", keepVolumes: true }]), snapshots: [HASH] };
    const name = `snapshot_${HASH.slice(0, 16)}`;
    const filler = {
      ...converged(specWith("test", {})).containers[0]!,
      name: `${NAMESPACE}_snapshot_staging_filler`,
      labels: { [LABELS.role]: "fill" },
    };
    const volumes = [fillVolume("snapshot_staging"), fillVolume(`${name}_unfilled`), snapshotVolume(HASH)];
    expect(lines(spec, { ...EMPTY, containers: [filler], volumes })).toEqual([
      "1. remove container ns_snapshot_staging_filler: it is of no environment that there is",
      `2. remove volume ns_${name} after 1: taking a snapshot was interrupted`,
      "3. remove volume ns_snapshot_staging after 1: taking a snapshot was interrupted",
      `4. remove volume ns_${name}_unfilled after 1, 2: taking a snapshot was interrupted`,
    ]);
  });

  test("go with the project", () => {
    const spec = {
      ...projectSpec({}, [{ desired: "absent" }]),
      status: "deleting" as const,
      snapshots: [HASH],
    };
    expect(lines(spec, { ...EMPTY, volumes: [snapshotVolume(HASH)] })).toEqual([
      `1. remove volume ns_snapshot_${HASH.slice(0, 16)}: it is of no environment that there is`,
    ]);
  });
});

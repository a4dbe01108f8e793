import { describe, expect, test } from "vitest";
import { loadAttachments } from "../../docker/attachments/loadAttachments.ts";
import { LABELS } from "../../core/labels.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import { renderProject } from "../../core/render/render.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import { printPlan } from "./operation.ts";
import { plan, type PlanInput } from "./plan.ts";

/** Services start once their attachments can be used. */

const spec = projectSpec({ attachments: ["redis:7"] });
const { project: rendered } = renderProject({
  ...{ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234", attachments: loadAttachments() },
});
const [dev] = rendered.environments;
const EMPTY: Snapshot = { containers: [], networks: [], volumes: [] };

/** Everything is there; of the containers, as said. */
function there(states: Record<string, Partial<EngineContainer>>): Snapshot {
  return {
    networks: dev!.networks.map((network) => ({ ...network, id: `id-${network.name}` })),
    volumes: dev!.volumes.map(({ name, labels }) => ({ name, labels })),
    containers: dev!.services.map(({ service, labels, image, configHash, networks }) => ({
      id: `id-${service}`,
      name: `${NAMESPACE}-dev-${service}-1`,
      image,
      labels: { ...labels, [LABELS.configHash]: configHash },
      state: "running" as const,
      health: "none" as const,
      exitCode: null,
      networks: Object.fromEntries(networks.map(({ name }) => [name, "10.248.0.2"])),
      ...states[service],
    })),
  };
}

const planFor = (snapshot: Snapshot, more: Partial<PlanInput> = {}) =>
  printPlan(plan({ spec, rendered, snapshot, ...more })).replaceAll(NAMESPACE, "ns");
const redis = `${NAMESPACE}-dev-redis-1`;

describe("an environment with a cache", () => {
  test("is made whole, and only the cache is started", () => {
    const text = planFor(EMPTY);
    expect(text).toMatch(/own volume ns_dev_data_redis_filler for 1000:1000|own volume for 1000:1000/);
    expect(text).toContain("create container ns-dev-app-1");
    expect(text).toContain("start container ns-dev-redis-1");
    expect(text).not.toContain("start container ns-dev-app-1");
  });

  test("starts its services once the cache answers", () => {
    const created = there({ app: { state: "created" } });
    expect(planFor(created, { answering: new Set() })).toBe("");
    expect(planFor(created, { answering: new Set([redis]) })).toBe(
      [
        "1. confirm filled ns_dev_workspace for ns-dev-app-1: ns-dev-app-1 was never started",
        "2. start container ns-dev-app-1 after 1: dev is to run, and it was never started",
      ].join("\n"),
    );
  });

  test("and once its group's attachments do", () => {
    const created = there({ app: { state: "exited", exitCode: 0 } });
    const awaited = new Map([["dev" as const, "shared"]]);
    expect(planFor(created, { answering: new Set([redis]), awaited })).toBe("");
  });

  test("leaves running services alone while the cache comes back", () => {
    expect(planFor(there({ redis: { state: "exited", exitCode: 137 } }), { answering: new Set() })).toBe(
      "1. start container ns-dev-redis-1: dev is to run, and it ended with 137",
    );
  });

  test("without a word on who answers, takes Docker's for it", () => {
    expect(planFor(there({ app: { state: "created" }, redis: { health: "starting" } }))).toBe("");
    expect(planFor(there({ app: { state: "created" }, redis: { health: "healthy" } }))).toContain("start");
  });
});

describe("a cache that is let go", () => {
  test("while its volume is filled keeps the volume and what says that it does not count, and loses what fills it", () => {
    const without = projectSpec();
    const means = { stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" };
    const { project } = renderProject({ ...means, spec: without, attachments: loadAttachments() });
    const snapshot = there({});
    const data = snapshot.volumes.find(({ name }) => name.endsWith("_data_redis"))!;
    const fill = { ...data.labels, [LABELS.role]: "fill" };
    data.labels = { ...data.labels, [LABELS.filling]: "a1" };
    snapshot.volumes.push({ name: `${data.name}_unfilled_a1`, labels: { ...fill, [LABELS.filling]: "a1" } });
    snapshot.containers = ["filler", "reader"].map((what) => ({
      ...snapshot.containers[0]!,
      ...{ name: `${data.name}_${what}_a1`, labels: fill, state: "created" },
    }));
    const text = printPlan(plan({ spec: without, rendered: project, snapshot })).replaceAll(NAMESPACE, "ns");
    expect(text.split("\n").filter((line) => line.includes("redis"))).toEqual([
      "1. remove container ns_dev_data_redis_filler_a1: dev has no use for what it fills any more",
      "2. remove container ns_dev_data_redis_reader_a1: dev has no use for what it fills any more",
    ]);
  });
});

import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { ManifestInput } from "../../core/manifest.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import type { EnvironmentSpec } from "../../core/projectSpec.ts";
import type { EngineContainer, EngineVolume } from "../engine/engine.ts";
import { EngineError } from "../engine/engineError.ts";
import type { Action } from "../plan/operation.ts";
import { renderWanted } from "../renderWanted.ts";
import { seeProject } from "../seen.ts";
import { conditionsOf } from "./conditionsOf.ts";
import { START_LIMIT_MS, type Findings } from "./findings.ts";

const NAME = `${NAMESPACE}-dev-app-1`;

type Scene = {
  environment?: Partial<EnvironmentSpec>;
  /** Null: there is no container. */
  container?: Partial<EngineContainer> | null;
  manifest?: Partial<ManifestInput>;
  /** By the container's id, or the same of all. */
  ready?: boolean | ((id: string) => boolean);
  waitingMs?: number;
  volumes?: EngineVolume[];
} & Partial<Findings>;

function observe({
  environment = {},
  container = {},
  manifest = {},
  ready = true,
  waitingMs = 0,
  volumes = [],
  ...findings
}: Scene) {
  const spec = projectSpec(manifest, [environment]);
  const { project } = renderWanted({ spec, stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });
  const services = project?.environments[0]?.services ?? [];
  const kind = environment.kind ?? "dev";
  const name = (service = "app") => `${NAMESPACE}-${kind}-${service}-1`;
  const containerOf = (service?: (typeof services)[number]): EngineContainer => ({
    id: service?.service ?? "",
    name: name(service?.service),
    image: "slipway/node:20",
    labels: {
      ...service?.labels,
      [LABELS.configHash]: service?.configHash ?? "",
      [LABELS.environment]: kind,
    },
    state: "running",
    health: "starting",
    exitCode: null,
    networks: { [`${NAMESPACE}_${kind}`]: "10.248.0.2" },
  });
  const [first, ...others] = services;
  const containers = container
    ? [{ ...containerOf(first), id: "0123456789abcdef", ...container }, ...others.map(containerOf)]
    : [];
  const snapshot = { containers, networks: [], volumes };
  const [seen] = seeProject(spec, project, snapshot, {
    isReady: (id) => (typeof ready === "function" ? ready(id) : ready),
    waitingMs: () => waitingMs,
  });
  return conditionsOf({
    namespace: NAMESPACE,
    seen: seen!,
    renderError: null,
    failures: [],
    held: new Map(),
    logs: new Map(),
    routeError: null,
    hibernate: "stop",
    overfull: new Map(),
    unsized: null,
    exhausted: false,
    before: [],
    now: 1_000,
    ...findings,
  });
}

const failure = (action: Partial<Action>, error: unknown) => ({
  operation: { id: "1", after: [], environment: "dev" as const, cause: "", target: "", ...action } as never,
  error,
});

describe("an environment that is to run", () => {
  test("is running when everything answers", () => {
    const seen = observe({});
    expect(seen).toMatchObject({ phase: "running", message: "", endpoints: [`/projects/${NAMESPACE}/dev/`] });
    expect(seen.conditions.map(({ status }) => status)).toEqual(Array(7).fill("true"));
    expect(seen.services).toEqual([
      {
        service: "app",
        replica: 1,
        containerId: "0123456789ab",
        state: "running",
        health: "starting",
        exitCode: null,
      },
    ]);
  });

  test("is pending before there is a container, and starting until it answers", () => {
    expect(observe({ container: null })).toMatchObject({
      phase: "pending",
      message: "app: not running yet.",
    });
    expect(observe({ ready: false })).toMatchObject({
      phase: "starting",
      message: "app: not answering yet.",
    });
  });

  test("has failed once a container did not answer in time, with its last lines", () => {
    const logs = new Map([[NAME, "booting\nError: no database"]]);
    const seen = observe({ ready: false, waitingMs: START_LIMIT_MS, logs });
    expect(seen.phase).toBe("failed");
    expect(seen.message).toBe(
      "app runs but has not answered /health on port 3000 within 2 minutes. Its last lines: booting | Error: no database",
    );
  });

  test("has failed while it crashes in a loop", () => {
    const held = new Map([[NAME, "it ended by itself 5 times"]]);
    const seen = observe({ container: { state: "exited", exitCode: 1 }, ready: false, held });
    expect(seen.phase).toBe("failed");
    expect(seen.message).toMatch(/^app was stopped: it ended by itself 5 times\./);
    const logs = new Map([[NAME, `\u001b[31m${"🚀".repeat(300)}\u0000!\u001b[0m\n`]]);
    const { message } = observe({ container: { state: "exited", exitCode: 1 }, ready: false, held, logs });
    expect(message).toMatch(/ Its last lines: (?:🚀){249}! It is started again/u);
    expect(message.isWellFormed()).toBe(true);
  });

  test("has failed where it cannot be rendered, and says why", () => {
    const seen = observe({ renderError: new Error("There is no stack cobol.") });
    expect(seen).toMatchObject({ phase: "failed", message: "There is no stack cobol." });
    expect(seen.conditions[0]).toMatchObject({ type: "Rendered", status: "false", reason: "RenderFailed" });
  });

  test("tells the cause and what to do, and has failed once retrying did not help", () => {
    const error = new EngineError("image_missing", "Docker could not create x: No such image: shop:1");
    const failures = [failure({ do: "create container" }, error)];
    expect(observe({ container: null, failures })).toMatchObject({ phase: "pending" });
    const seen = observe({ container: null, failures, exhausted: true });
    expect(seen.phase).toBe("failed");
    expect(seen.message).toMatch(/No such image: shop:1\. `slipway up` builds or pulls/);
    expect(seen.conditions.find(({ type }) => type === "ImagesReady")).toMatchObject({
      reason: "ImageMissing",
    });
  });

  test("is not running as long as the gateway does not take its route", () => {
    const seen = observe({ routeError: new Error("Nobody listens at the door.") });
    expect(seen).toMatchObject({ phase: "starting", message: "Nobody listens at the door." });
  });

  test("serves once something answers that requests are led to, and not because something else does", () => {
    const manifest: Partial<ManifestInput> = {
      services: { app: { stack: "node", route: "/" }, mail: { stack: "node" } },
    };
    const routed = (answering: string) =>
      observe({ manifest, ready: (id) => id === answering }).conditions.find(({ type }) => type === "Routed");
    expect(routed("mail")).toMatchObject({ status: "false", reason: "NothingToServe" });
    expect(routed("0123456789abcdef")).toMatchObject({ status: "true", reason: "Serving" });
  });

  test("keeps the time at which a condition changed last", () => {
    const { conditions } = observe({ now: 1_000 });
    const later = observe({ now: 2_000, ready: false, before: conditions }).conditions;
    expect(Object.fromEntries(later.map(({ type, changedAt }) => [type, changedAt]))).toEqual({
      Rendered: 1_000,
      ImagesReady: 1_000,
      NetworkReady: 1_000,
      VolumesReady: 1_000,
      Running: 1_000,
      Healthy: 2_000,
      Routed: 2_000,
    });
  });
});

describe("a test environment", () => {
  const environment = { kind: "test" as const };
  test("is at work until its program ends, then says how it went", () => {
    expect(observe({ environment })).toMatchObject({ phase: "starting", message: "app: still at work." });
    expect(observe({ environment, container: { state: "exited", exitCode: 0 } }).phase).toBe("running");
    const logs = new Map([[`${NAMESPACE}-test-app-1`, "not ok 1"]]);
    expect(observe({ environment, container: { state: "exited", exitCode: 3 }, logs })).toMatchObject({
      phase: "failed",
      message: "app ended with 3. Its last lines: not ok 1",
    });
  });
});

describe("an environment that is not to run", () => {
  test("is hibernated once nothing runs", () => {
    const environment = { desired: "hibernated" as const };
    expect(observe({ environment }).phase).toBe("pending");
    expect(observe({ environment, container: { state: "exited", exitCode: 0 } })).toMatchObject({
      phase: "hibernated",
      message: "",
    });
  });

  test("is absent once nothing is left", () => {
    const environment = { desired: "absent" as const };
    expect(observe({ environment }).phase).toBe("pending");
    expect(observe({ environment, container: null })).toMatchObject({
      phase: "absent",
      endpoints: [],
      services: [],
    });
  });
});

describe("a volume's size", () => {
  const GIB = 1024 ** 3;
  const workspace = (sizeBytes: number | null): EngineVolume[] => [
    { name: `${NAMESPACE}_dev_workspace`, labels: { [LABELS.environment]: "dev" }, sizeBytes },
  ];
  const verdict = (scene: Scene) => {
    const { conditions, phase, message } = observe(scene);
    const { status, reason } = conditions.find(({ type }) => type === "VolumesReady")!;
    return { status, reason, phase, message };
  };

  test("that holds needs no word", () => {
    expect(verdict({ volumes: workspace(10 * GIB) })).toEqual({
      ...{ status: "true", reason: "VolumesPresent", phase: "running", message: "" },
    });
  });

  test("that is larger than wanted stays, and people are told", () => {
    expect(verdict({ volumes: workspace(20 * GIB) })).toEqual({
      ...{ status: "true", reason: "ShrinkRefused", phase: "running" },
      message: expect.stringMatching(/keeps its 20 GiB: a volume is never made smaller.* 10 GiB/),
    });
  });

  test("that is only watched is told with the reason", () => {
    const scene = { volumes: workspace(null), unsized: "the worker does not run as root" };
    expect(verdict(scene)).toEqual({
      ...{ status: "true", reason: "SizeWatched", phase: "running" },
      message: expect.stringMatching(/10 GiB .* watched, not enforced: the worker does not run as root\./),
    });
    expect(verdict({ volumes: workspace(null) }).reason).toBe("VolumesPresent");
  });

  test("that was exceeded stops the container, and people are told what to do", () => {
    const overfull = new Map([[NAME, "its volume holds 11 GiB and may hold 10 GiB"]]);
    const { phase, message } = observe({
      ...{ volumes: workspace(null), overfull, held: overfull },
      ...{ container: { state: "exited" as const, exitCode: 137 }, ready: false },
    });
    expect(phase).toBe("failed");
    expect(message).toBe(
      "app was stopped: its volume holds 11 GiB and may hold 10 GiB. Remove files from it, or raise environments.dev.disk; it is started again as soon as it fits.",
    );
  });

  test("that cannot be made keeps the environment from running", () => {
    const error = new EngineError("disk_full", "mkfs.ext4 failed: No space left on device");
    const { conditions, phase } = observe({
      ...{ container: null, ready: false, exhausted: true },
      failures: [failure({ do: "create volume" }, error)],
    });
    expect(phase).toBe("failed");
    expect(conditions.find(({ type }) => type === "VolumesReady")).toMatchObject({
      ...{ status: "false", reason: "DiskFull" },
      message: expect.stringContaining("Free space on the disk"),
    });
  });
});

test("an environment that hibernates by pausing is hibernated once everything is paused", () => {
  const scene = { environment: { desired: "hibernated" as const }, container: { state: "paused" as const } };
  expect(observe({ ...scene, hibernate: "pause" }).phase).toBe("hibernated");
  expect(observe({ ...scene, hibernate: "stop" }).phase).toBe("pending");
});

test("an environment is not absent before what nobody of its group needs any more is gone", () => {
  const absent = { environment: { desired: "absent" as const }, container: null };
  expect(observe(absent).phase).toBe("absent");
  expect(observe({ ...absent, groupLeft: true })).toMatchObject({
    phase: "pending",
    message: "What it shared with its group is being removed.",
  });
});

test("an environment is not absent before the gateway leads nobody to its addresses any more", () => {
  const absent = { environment: { desired: "absent" as const }, container: null };
  const routeError = new Error("The gateway could not withdraw it.");
  expect(observe({ ...absent, routeError })).toMatchObject({
    phase: "pending",
    message: "The gateway could not withdraw it.",
  });
});

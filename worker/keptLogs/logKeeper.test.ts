import { expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { LogLine } from "../engine/logFrames.ts";
import { LogKeeper, type KeptLine } from "./logKeeper.ts";

const STARTED_AT = 1_000;

function container(id: string, labels: Record<string, string>): EngineContainer {
  return {
    ...{ id, name: id, image: "i", state: "running", health: "none", exitCode: null, networks: {} },
    labels,
  };
}

function world(containers: EngineContainer[]) {
  const written = new Map<string, LogLine[]>();
  const kept: string[] = [];
  let failing = false;
  const keeper = new LogKeeper({
    engine: {
      listContainers: () => Promise.resolve(containers),
      readLogs: (id, since, lines) =>
        Promise.resolve((written.get(id) ?? []).filter(({ at }) => at >= since).slice(-lines)),
    },
    store: {
      appendLogs: (projectId: string, kind: string, lines: KeptLine[]) => {
        if (failing) return Promise.reject(new Error("away"));
        kept.push(
          ...lines.map(({ service, replica, text }) => `${projectId} ${kind} ${service}-${replica} ${text}`),
        );
        return Promise.resolve();
      },
    },
    instanceId: "abcd2345",
    clock: { now: () => STARTED_AT, elapsed: () => STARTED_AT, after: () => () => {} },
    log: () => {},
  });
  const write = (id: string, at: number, text: string) =>
    written.set(id, [...(written.get(id) ?? []), { stream: "stdout", at, text }]);
  return { keeper, kept, write, fail: (now: boolean) => (failing = now) };
}

const APP = {
  [LABELS.project]: "p1",
  [LABELS.environment]: "dev",
  [LABELS.service]: "app",
  [LABELS.replica]: "1",
};

test("sends each line once, and nothing from before the worker came", async () => {
  const { keeper, kept, write } = world([container("c1", APP)]);
  write("c1", STARTED_AT - 5, "old");
  write("c1", STARTED_AT + 1, "one");
  await keeper.look();
  await keeper.look();
  write("c1", STARTED_AT + 2, "two");
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 one", "p1 dev app-1 two"]);
});

test("sends again what the control plane did not take", async () => {
  const { keeper, kept, write, fail } = world([container("c1", APP)]);
  write("c1", STARTED_AT + 1, "one");
  fail(true);
  await keeper.look();
  fail(false);
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 one"]);
});

test("leaves the gateway and helpers alone", async () => {
  const { keeper, kept, write } = world([
    container("gateway", { [LABELS.role]: "gateway" }),
    container("filler", { ...APP, [LABELS.role]: "fill" }),
  ]);
  write("gateway", STARTED_AT + 1, "GET /");
  write("filler", STARTED_AT + 1, "x");
  expect(await keeper.look()).toBe(0);
  expect(kept).toEqual([]);
});

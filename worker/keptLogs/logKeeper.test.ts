import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { EngineContainer, EngineListener } from "../engine/engine.ts";
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
  const bells = new Map<string, PassThrough[]>();
  const reads: string[] = [];
  let failing = false;
  let listener: EngineListener | null = null;
  const keeper = new LogKeeper({
    engine: {
      listContainers: () => Promise.resolve(containers),
      readLogs: (id, since, lines) => {
        reads.push(id);
        return Promise.resolve((written.get(id) ?? []).filter(({ at }) => at >= since).slice(-lines));
      },
      followLogs: (id, since) => {
        const bell = new PassThrough();
        bells.set(id, [...(bells.get(id) ?? []), bell]);
        if ((written.get(id) ?? []).some(({ at }) => at >= since)) bell.write("x");
        return Promise.resolve(bell);
      },
      watch: (given) => {
        listener = given;
        return { close: () => {} };
      },
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
  const write = async (id: string, at: number, text: string) => {
    written.set(id, [...(written.get(id) ?? []), { stream: "stdout", at, text }]);
    for (const bell of open(id)) bell.write("x");
    await turn();
  };
  const open = (id: string) => (bells.get(id) ?? []).filter(({ destroyed }) => !destroyed);
  const event = (action: string, id: string) =>
    listener!.onEvent({ ...{ type: "container", action, id, name: id, labels: {}, exitCode: 0 } });
  const reconnect = () => listener!.onConnected();
  return { keeper, kept, write, fail: (now: boolean) => (failing = now), reads, open, event, reconnect };
}

const APP = {
  [LABELS.project]: "p1",
  [LABELS.environment]: "dev",
  [LABELS.service]: "app",
  [LABELS.replica]: "1",
};

test("sends each line once, and nothing from before the worker came", async () => {
  const { keeper, kept, write } = world([container("c1", APP)]);
  await write("c1", STARTED_AT - 5, "old");
  await write("c1", STARTED_AT + 1, "one");
  await keeper.look();
  await keeper.look();
  await write("c1", STARTED_AT + 2, "two");
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 one", "p1 dev app-1 two"]);
});

test("sends again what the control plane did not take", async () => {
  const { keeper, kept, write, fail } = world([container("c1", APP)]);
  await write("c1", STARTED_AT + 1, "one");
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
  await write("gateway", STARTED_AT + 1, "GET /");
  await write("filler", STARTED_AT + 1, "x");
  expect(await keeper.look()).toBe(0);
  expect(kept).toEqual([]);
});

test("reads what was silent no second time, and has one log of it open", async () => {
  const { keeper, reads, open, write } = world([container("c1", APP), container("c2", APP)]);
  await keeper.look();
  expect(await keeper.look()).toBe(0);
  expect(reads).toEqual(["c1", "c2"]);
  expect([open("c1").length, open("c2").length]).toEqual([1, 1]);
  await write("c2", STARTED_AT + 1, "one");
  expect(open("c2")).toEqual([]);
  expect(await keeper.look()).toBe(1);
  expect(reads).toEqual(["c1", "c2", "c2"]);
  expect(open("c2").length).toBe(1);
});

test("reads what was written after the log was read and before it was followed", async () => {
  const { keeper, kept, write, fail } = world([container("c1", APP)]);
  await keeper.look();
  await write("c1", STARTED_AT + 1, "one");
  fail(true);
  await keeper.look();
  await write("c1", STARTED_AT + 2, "two");
  fail(false);
  await keeper.look();
  await turn();
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 one", "p1 dev app-1 two"]);
});

test("reads the last words of what ended, also of what came and went between two looks", async () => {
  const ended = container("c1", APP);
  const { keeper, kept, write, event, reads, reconnect, open } = world([ended]);
  await keeper.look();
  await write("c1", STARTED_AT + 1, "last");
  ended.state = "exited";
  await keeper.look();
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 last"]);
  expect([reads.length, open("c1").length]).toEqual([2, 0]);

  await write("c1", STARTED_AT + 2, "again");
  event("die", "c1");
  await keeper.look();
  expect(kept).toEqual(["p1 dev app-1 last", "p1 dev app-1 again"]);

  await write("c1", STARTED_AT + 3, "unseen");
  reconnect();
  await keeper.look();
  expect(kept.at(-1)).toBe("p1 dev app-1 unseen");
});

test("has nothing open of what is gone, and nothing at all in the end", async () => {
  const containers = [container("c1", APP), container("c2", APP)];
  const { keeper, open } = world(containers);
  await keeper.look();
  containers.shift();
  await keeper.look();
  expect([open("c1").length, open("c2").length]).toEqual([0, 1]);
  keeper.close();
  expect(open("c2")).toEqual([]);
});

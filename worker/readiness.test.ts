import { expect, test } from "vitest";
import { Readiness, type ProbeTarget } from "./readiness.ts";
import { VirtualClock } from "./testing/virtualClock.ts";

const app: ProbeTarget = { id: "c1", namespace: "ns", address: "10.248.0.2", port: 3000, path: "/health" };

function setUp(answers: (target: ProbeTarget) => boolean | Promise<boolean>) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  let asked = 0;
  const readiness = new Readiness(
    async (target) => {
      asked += 1;
      return await answers(target);
    },
    clock,
    (namespace) => changes.push(namespace),
  );
  return { clock, changes, readiness, asked: () => asked };
}

test("who answers at the first look is ready when the look ends, and nobody is told", async () => {
  const { readiness, changes } = setUp(() => true);
  await readiness.follow("ns", [app]);
  expect(readiness.isReady("c1")).toBe(true);
  expect(changes).toEqual([]);
});

test("who starts is asked within milliseconds, ever more slowly, and its namespace is told once it answers", async () => {
  let up = false;
  const { clock, readiness, changes, asked } = setUp(() => up);
  await readiness.follow("ns", [app]);
  await clock.advance(50);
  expect(asked()).toBeGreaterThan(2);
  await clock.advance(60_000);
  const before = asked();
  await clock.advance(10_000);
  expect(asked() - before).toBeLessThanOrEqual(6);
  expect(readiness.waitingMs("c1")).toBe(70_050);
  up = true;
  await clock.advance(2_000);
  expect(readiness.isReady("c1")).toBe(true);
  expect(readiness.waitingMs("c1")).toBe(0);
  expect(changes).toEqual(["ns"]);
});

test("a look does not wait for long for who does not answer", async () => {
  const { clock, readiness } = setUp(() => new Promise<boolean>(() => {}));
  let looked = false;
  const look = readiness.follow("ns", [app]).then(() => (looked = true));
  await clock.advance(499);
  expect(looked).toBe(false);
  await clock.advance(1);
  await look;
});

test("who answers only after the look has stopped waiting is told of", async () => {
  let answer = (_isReady: boolean) => {};
  const { clock, readiness, changes } = setUp(() => new Promise<boolean>((resolve) => (answer = resolve)));
  const look = readiness.follow("ns", [app]);
  await clock.advance(500);
  await look;
  answer(true);
  await clock.advance(0);
  expect(readiness.isReady("c1")).toBe(true);
  expect(changes).toEqual(["ns"]);
});

test("who ended has to prove itself again, under the same id or at another address", async () => {
  let up = true;
  const { readiness } = setUp(() => up);
  await readiness.follow("ns", [app]);
  readiness.forget("c1");
  expect(readiness.isReady("c1")).toBe(false);
  await readiness.follow("ns", [app]);
  up = false;
  await readiness.follow("ns", [{ ...app, address: "10.248.0.3" }]);
  expect(readiness.isReady("c1")).toBe(false);
});

test("who ended is not asked as long as lists may still call it running", async () => {
  const { readiness, asked } = setUp(() => true);
  await readiness.follow("ns", [app]);
  readiness.suspend("c1");
  await readiness.follow("ns", [app]);
  expect([readiness.isReady("c1"), asked()]).toEqual([false, 1]);
  readiness.resume("c1");
  await readiness.follow("ns", [app]);
  expect(readiness.isReady("c1")).toBe(true);
});

test("who is no longer followed is asked no more", async () => {
  const { clock, readiness, asked } = setUp(() => false);
  await readiness.follow("ns", [app]);
  await readiness.follow("other", []);
  await readiness.follow("ns", []);
  const before = asked();
  await clock.advance(10_000);
  expect(asked()).toBe(before);
});

test("a recheck takes out only who fails it three times", async () => {
  let failing = 0;
  const { clock, readiness, changes } = setUp(() => failing-- <= 0);
  await readiness.follow("ns", [app]);
  failing = 2;
  readiness.recheck();
  await clock.advance(5_000);
  expect(readiness.isReady("c1")).toBe(true);
  failing = 4;
  readiness.recheck();
  await clock.advance(2_000);
  expect(readiness.isReady("c1")).toBe(false);
  await clock.advance(5_000);
  expect(readiness.isReady("c1")).toBe(true);
  expect(changes).toEqual(["ns", "ns"]);
});

test("a probe that throws says no more than one that fails", async () => {
  const { readiness } = setUp(() => {
    throw new Error("the gateway is away");
  });
  await readiness.follow("ns", [app]);
  expect(readiness.isReady("c1")).toBe(false);
});

test("who was led to before is ready though its answer takes longer than a look, and nobody waits for it", async () => {
  let answer = (_isReady: boolean) => {};
  const { clock, readiness, changes } = setUp(() => new Promise<boolean>((resolve) => (answer = resolve)));
  await readiness.follow("ns", [{ ...app, wasRouted: true }]);
  expect(readiness.isReady("c1")).toBe(true);
  await clock.advance(700);
  answer(true);
  await clock.advance(60_000);
  expect(readiness.isReady("c1")).toBe(true);
  expect(changes).toEqual([]);
});

test("who was led to before leaves once it has failed to answer three times", async () => {
  const { clock, readiness, changes, asked } = setUp(() => false);
  await readiness.follow("ns", [{ ...app, wasRouted: true }]);
  await clock.advance(1_999);
  expect([readiness.isReady("c1"), asked()]).toEqual([true, 2]);
  await clock.advance(1);
  expect(readiness.isReady("c1")).toBe(false);
  expect(changes).toEqual(["ns"]);
  await readiness.follow("ns", [{ ...app, wasRouted: true }]);
  expect(readiness.isReady("c1")).toBe(false);
});

test("that it was led to may be known only after it was asked in vain for a while", async () => {
  let away = true;
  const { readiness } = setUp(() => {
    if (away) throw new Error("the gateway is away");
    return new Promise<boolean>(() => {});
  });
  await readiness.follow("ns", [app]);
  expect(readiness.isReady("c1")).toBe(false);
  away = false;
  await readiness.follow("ns", [{ ...app, wasRouted: true }]);
  expect(readiness.isReady("c1")).toBe(true);
});

test("a gateway that cannot be asked says nothing of who was ready", async () => {
  let probe = () => true;
  const { clock, readiness, changes } = setUp(() => probe());
  await readiness.follow("ns", [app]);
  probe = () => {
    throw new Error("the gateway is away");
  };
  readiness.recheck();
  readiness.recheck();
  await clock.advance(60_000);
  expect(readiness.isReady("c1")).toBe(true);
  probe = () => false;
  await clock.advance(4_000);
  expect(readiness.isReady("c1")).toBe(false);
  expect(changes).toEqual(["ns"]);
});

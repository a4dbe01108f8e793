import { expect, test } from "vitest";
import { KeyedQueue, type RetryPolicy, type Turn } from "./queue.ts";
import { VirtualClock } from "./testing/virtualClock.ts";

const RETRY: RetryPolicy = {
  attempts: 3,
  firstDelayMs: 100,
  longestDelayMs: 1_000,
  slowDelayMs: 60_000,
  eventDelayMs: 5_000,
};

/** A queue whose turns are ended by the test; `random` is 1, so every delay is the whole one. */
function setUp(parallel = 4) {
  const clock = new VirtualClock();
  const turns: { key: string; turn: Turn; end: (error?: Error) => void }[] = [];
  const failures: string[] = [];
  const queue = new KeyedQueue(
    (key, turn) =>
      new Promise((resolve, reject) =>
        turns.push({ key, turn, end: (error) => (error ? reject(error) : resolve()) }),
      ),
    {
      clock,
      random: () => 1,
      parallel,
      retry: RETRY,
      onFailure: (key, error, retryInMs) =>
        failures.push(`${key}: ${(error as Error).message}, ${retryInMs}`),
    },
  );
  const next = async (error?: Error) => {
    turns.shift()!.end(error);
    await clock.advance(0);
  };
  return { clock, queue, turns, failures, next };
}

test("marks of a key coalesce, and a key never has two turns at once", async () => {
  const { queue, turns, next } = setUp();
  queue.mark("a");
  queue.mark("a");
  queue.mark("a");
  expect(turns.map(({ key }) => key)).toEqual(["a"]);
  await next();
  expect(turns.map(({ key }) => key)).toEqual(["a"]);
  await next();
  expect(turns).toEqual([]);
});

test("no more keys than allowed have a turn, and the rest come in their order", async () => {
  const { queue, turns, next } = setUp(2);
  for (const key of ["a", "b", "c", "d"]) queue.mark(key);
  expect(turns.map(({ key }) => key)).toEqual(["a", "b"]);
  await next();
  expect(turns.map(({ key }) => key)).toEqual(["b", "c"]);
});

test("a failing turn comes again ever later, then slowly for ever", async () => {
  const { clock, queue, turns, failures, next } = setUp();
  queue.mark("a");
  expect(turns[0]!.turn).toEqual({ failures: 0, last: false });
  await next(new Error("one"));
  await clock.advance(100);
  await next(new Error("two"));
  expect(queue.isFailing("a")).toBe(true);
  await clock.advance(200);
  expect(turns[0]!.turn).toEqual({ failures: 2, last: true });
  await next(new Error("three"));
  await clock.advance(59_999);
  expect(turns).toEqual([]);
  await clock.advance(1);
  await next(new Error("four"));
  expect(failures).toEqual(["a: one, 100", "a: two, 200", "a: three, 60000", "a: four, 60000"]);
});

test("something new is tried at once, and earlier failures count no more", async () => {
  const { queue, turns, next } = setUp();
  queue.mark("a");
  await next(new Error("one"));
  queue.mark("a", true);
  expect(turns[0]!.turn.failures).toBe(0);
});

test("something new that comes during a failing turn is tried at once too", async () => {
  const { queue, turns, failures, next } = setUp();
  queue.mark("a");
  queue.mark("a", true);
  await next(new Error("of the old"));
  expect(failures).toEqual([]);
  expect(turns[0]!.turn.failures).toBe(0);
});

test("a mere event shortens a long wait, and does not end it", async () => {
  const { clock, queue, turns, next } = setUp();
  queue.mark("a");
  for (const ms of [100, 200, 0]) {
    await next(new Error("again"));
    await clock.advance(ms);
  }
  queue.mark("a");
  expect(turns).toEqual([]);
  await clock.advance(5_000);
  expect(turns).toHaveLength(1);
});

test("a success wipes the slate", async () => {
  const { clock, queue, turns, next } = setUp();
  queue.mark("a");
  await next(new Error("one"));
  await clock.advance(100);
  await next();
  queue.mark("a");
  expect(turns[0]!.turn.failures).toBe(0);
});

test("closing waits for what runs and starts nothing more", async () => {
  const { clock, queue, turns, next } = setUp(1);
  queue.mark("a");
  queue.mark("b");
  let closed = false;
  const closing = queue.close().then(() => (closed = true));
  await clock.advance(0);
  expect(closed).toBe(false);
  await next();
  await closing;
  queue.mark("c");
  expect(turns).toEqual([]);
});

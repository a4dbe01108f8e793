import { expect, test } from "vitest";
import { SlipwayError } from "../../core/errors.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { Outbox } from "./outbox.ts";
import type { EnvironmentSeries, Resolution } from "./series.ts";

/** An outbox whose store takes note of what arrives, and fails as it is told to. */
function setUp() {
  const clock = new VirtualClock();
  const arrived: { resolution: Resolution; ids: string[] }[] = [];
  const logged: string[] = [];
  const store = {
    failure: null as unknown,
    calls: 0,
    async appendMetrics(resolution: Resolution, environments: EnvironmentSeries[]) {
      store.calls += 1;
      if (store.failure !== null) throw store.failure;
      arrived.push({ resolution, ids: environments.map(({ projectId }) => projectId) });
    },
  };
  const outbox = new Outbox({ store, clock, log: (event) => void logged.push(event) });
  return { clock, arrived, logged, store, outbox };
}

const environment = (projectId: string, series = 1): EnvironmentSeries => ({
  projectId,
  kind: "dev",
  series: Array.from({ length: series }, (_, index) => ({
    service: "app",
    replica: index + 1,
    cpuLimit: null,
    memoryLimitBytes: null,
    points: [],
  })),
});
const away = () => new TypeError("fetch failed");

test("sends at once, and never more than the control plane takes", async () => {
  const { outbox, arrived } = setUp();
  outbox.put("minute", []);
  outbox.put(
    "minute",
    Array.from({ length: 250 }, (_, index) => environment(`p${index}`)),
  );
  await outbox.settled();
  expect(arrived.map(({ ids }) => ids.length)).toEqual([100, 100, 50]);
  arrived.length = 0;
  outbox.put("fine", [environment("a", 600), environment("b", 400), environment("c", 1)]);
  await outbox.settled();
  expect(arrived.map(({ ids }) => ids)).toEqual([["a", "b"], ["c"]]);
});

test("what could not be sent is sent later, in order, and told once", async () => {
  const { outbox, arrived, logged, store, clock } = setUp();
  store.failure = away();
  for (const id of ["first", "second", "third"]) {
    outbox.put("minute", [environment(id)]);
    await clock.advance(5_000);
  }
  expect(arrived).toEqual([]);
  store.failure = null;
  await clock.advance(5_000);
  await outbox.settled();
  expect(arrived.map(({ ids }) => ids[0])).toEqual(["first", "second", "third"]);
  expect(logged).toEqual(["metrics-not-sent", "metrics-sent-again"]);
});

test("while the control plane is away for an hour, some minutes are kept and the oldest dropped", async () => {
  const { outbox, arrived, store, clock } = setUp();
  store.failure = new SlipwayError({ code: "deadline", message: "away" });
  let most = 0;
  for (let tick = 0; tick < 720; tick += 1) {
    outbox.put("fine", [environment(`fine ${tick}`)]);
    if (tick % 12 === 0) outbox.put("minute", [environment(`minute ${tick / 12}`)]);
    most = Math.max(most, outbox.waiting);
    await clock.advance(5_000);
  }
  expect(most).toBeLessThanOrEqual(13 + 6);
  store.failure = null;
  await clock.advance(5_000);
  await outbox.settled();
  const minutes = arrived.flatMap(({ resolution, ids }) => (resolution === "minute" ? ids : []));
  expect(minutes).toEqual(["minute 56", "minute 57", "minute 58", "minute 59"]);
  expect(arrived.at(-1)?.ids).toEqual(["fine 719"]);
  expect(outbox.waiting).toBe(0);
});

test("what is refused is not sent again and holds nothing up", async () => {
  const { outbox, arrived, logged, store, clock } = setUp();
  store.failure = new SlipwayError({ code: "bad_request", message: "The clock is ahead." });
  outbox.put("minute", [environment("a")]);
  await outbox.settled();
  store.failure = null;
  outbox.put("minute", [environment("b")]);
  await clock.advance(60_000);
  expect(arrived.map(({ ids }) => ids)).toEqual([["b"]]);
  expect(logged).toEqual(["metrics-refused"]);
  expect(store.calls).toBe(2);
});

test("nobody waits for an answer that does not come, and nothing is sent beside it", async () => {
  const { outbox, store, clock } = setUp();
  let answer = (): void => {};
  store.appendMetrics = async () => {
    store.calls += 1;
    await new Promise<void>((resolve) => (answer = resolve));
  };
  outbox.put("fine", [environment("a")]);
  outbox.put("fine", [environment("b")]);
  await clock.advance(30_000);
  expect(store.calls).toBe(1);
  answer();
  await clock.advance(0);
  expect(store.calls).toBe(2);
  outbox.close();
});

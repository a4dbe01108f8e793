import { expect, test } from "vitest";
import { SlipwayError } from "../../core/errors.ts";
import type { Status } from "../../core/lifecycle.ts";
import type { EnvironmentSpec } from "../../core/projectSpec.ts";
import type { Operation } from "../plan/operation.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { Drift, mendedBy, type HostDrift } from "./drift.ts";
import { HostReporter, type HostReport } from "./hostReporter.ts";
import { heldMemory, MachineMeter } from "./hostUsage.ts";
import { RecentErrors } from "./recentErrors.ts";

const operation = (what: Operation["do"], environment: Operation["environment"] = "dev"): Operation =>
  ({ do: what, target: "t", id: `${what} t`, after: [], environment, cause: "it is gone" }) as Operation;
const wanted = (desired: EnvironmentSpec["desired"], generation = 3) => ({
  ...{ projectId: "p1", slug: "shop", status: "development" as Status },
  environments: [{ kind: "dev", desired, generation } as EnvironmentSpec],
});
type Told = Parameters<Drift["note"]>[2];
const told =
  (phase: "running" | "hibernated" | "absent" | "starting", observedGeneration = 3): Told =>
  () => ({ phase, observedGeneration });

test.each([
  ["is brought back", "create container", "running", 3, 1],
  ["is started again", "start container", "running", 3, 1],
  ["runs and should sleep", "pause container", "hibernated", 3, 1],
  ["is there and should not be", "remove container", "absent", 3, 1],
  ["an earlier release leaves", "remove container", "running", 3, 0],
  ["is made for what is wanted since", "create container", "running", 2, 0],
  ["is still being made", "create container", "running", undefined, 0],
] as const)("drift: what %s (%s)", (_what, does, desired, reached, count) => {
  const spec = wanted(desired);
  const done = [operation("pull image", null), operation(does)];
  expect(mendedBy(spec, done, () => reached)).toHaveLength(count);
  expect(mendedBy(spec, [operation(does, "test")], () => reached)).toEqual([]);
});

function driftHeard() {
  const heard: HostDrift[] = [];
  const drift = new Drift(
    () => 17,
    (now) => heard.push(now),
  );
  return { drift, heard };
}

test("an environment that was mended in one turn counts once, with what was done first", () => {
  const { drift, heard } = driftHeard();
  drift.note(wanted("running"), [operation("connect"), operation("start container")], told("running"));
  drift.note(wanted("running"), [], told("running"));
  drift.note(wanted("running"), [operation("start container")], told("running"));
  expect(heard.map(({ mended }) => mended)).toEqual([1, 2]);
  expect(heard[1]).toEqual({
    mended: 2,
    lastAt: 17,
    last: "shop dev: start container t, because it is gone",
  });
});

test("what was told not to run by the time that it is mended counts; what never ran does not", () => {
  const { drift, heard } = driftHeard();
  drift.note(wanted("running"), [operation("create container")], told("starting"));
  expect(heard).toEqual([]);
  drift.note(wanted("running"), [], told("running"));
  drift.note(wanted("running"), [operation("start container")], told("starting"));
  expect(heard.map(({ mended }) => mended)).toEqual([1]);
  drift.note(wanted("running", 4), [operation("create container")], told("running", 3));
  expect(heard).toHaveLength(1);
});

test("errors: the last ten, newest first; one that comes again is one of them, at its last time", () => {
  let now = 0;
  const lines: string[] = [];
  let seen: { at: number; message: string }[] = [];
  const errors = new RecentErrors(() => now);
  const log = errors.wrap((event) => void lines.push(event));
  log("ready", { host: "h" });
  log("resync-failed", { error: new Error("no answer", { cause: new Error("ECONNREFUSED") }) });
  errors.follow((all) => (seen = all));
  expect(seen).toEqual([{ at: 0, message: "resync-failed: no answer: ECONNREFUSED" }]);
  for (now = 1; now <= 30; now += 1) log("retry", { key: `p${now % 3}`, error: new Error("gone") });
  expect(seen.map(({ at }) => at)).toEqual([30, 29, 28, 0]);
  expect(seen[0]!.message).toBe("retry of p0: gone");
  for (let index = 0; index < 20; index += 1) log("failed", { error: new Error(`e${index}`) });
  expect(seen).toHaveLength(10);
  expect(seen[0]!.message).toBe("failed: e19");
  expect(lines).toHaveLength(52);
});

function reporterWithStore() {
  const clock = new VirtualClock();
  const arrived: HostReport[] = [];
  const logged: string[] = [];
  const store = {
    failure: null as unknown,
    async reportHost(report: HostReport) {
      if (store.failure !== null) throw store.failure;
      arrived.push(report);
    },
  };
  const reporter = new HostReporter({ store, clock, log: (event) => void logged.push(event) });
  return { clock, arrived, logged, store, reporter };
}
const drift = (mended: number): HostDrift => ({ mended, lastAt: mended, last: "shop dev" });
const errorsOf = (at: number) => [{ at, message: "m" }];

test("what happens together is told together, and only what changed", async () => {
  const { clock, arrived, reporter } = reporterWithStore();
  for (let mended = 1; mended <= 50; mended += 1) reporter.tell({ drift: drift(mended) });
  reporter.tell({ errors: errorsOf(1) });
  await clock.advance(60_000);
  reporter.tell({ errors: errorsOf(2) });
  await clock.advance(60_000);
  expect(arrived).toEqual([{ drift: drift(50), errors: errorsOf(1) }, { errors: errorsOf(2) }]);
});

test("while the control plane is away the newest of each is kept, and told when it is back", async () => {
  const { clock, arrived, logged, store, reporter } = reporterWithStore();
  store.failure = new SlipwayError({ code: "deadline", message: "away" });
  reporter.tell({ drift: drift(1), errors: errorsOf(1) });
  await clock.advance(60_000);
  reporter.tell({ drift: drift(2) });
  await clock.advance(60_000);
  expect(logged).toEqual(["host-not-reported"]);
  store.failure = null;
  await clock.advance(10_000);
  expect(arrived).toEqual([{ drift: drift(2), errors: errorsOf(1) }]);
  reporter.tell({ drift: drift(3) });
  reporter.close();
  await clock.advance(60_000);
  expect(arrived).toHaveLength(1);
});

test("a machine's cores are counted from one reading to the next", async () => {
  const clock = new VirtualClock();
  let busyMs = 5_000;
  const meter = new MachineMeter(["/no such folder", "/"], clock, () => busyMs);
  await clock.advance(10_000);
  busyMs += 15_000;
  const first = await meter.read();
  expect(first).toMatchObject({ at: clock.now(), cpu: 1.5 });
  expect(first.memoryBytes).toBeGreaterThan(0);
  expect(first.diskFreeBytes).toBeGreaterThan(0);
  expect(first.diskTotalBytes).toBeGreaterThanOrEqual(first.diskFreeBytes);
  await clock.advance(10_000);
  expect((await meter.read()).cpu).toBe(0);
});

test("memory that is held is what is not available, in bytes", () => {
  expect(heldMemory("MemTotal:       24683620 kB\nMemFree: 1 kB\nMemAvailable:   22929176 kB\n")).toBe(
    (24_683_620 - 22_929_176) * 1024,
  );
});

import { expect, test } from "vitest";
import { judgeTests, type TestRun } from "./judgeTests.ts";

const MINUTE = 60_000;
const run = (
  service: string,
  startedAt: number,
  finishedAt: number | null = null,
  exitCode = 0,
): TestRun => ({
  name: `ns-test-${service}-1`,
  service,
  replica: 1,
  run: { startedAt, finishedAt, exitCode: finishedAt === null ? null : exitCode, outOfMemory: false },
});
const notStarted: TestRun = { name: "ns-test-late-1", service: "late", replica: 1, run: null };

test("tests that run may do so for what is left of their time, by the first that started", () => {
  expect(judgeTests([run("a", 1_000), run("b", 5_000)], MINUTE, 11_000)).toEqual({
    is: "running",
    overdueInMs: 50_000,
  });
});

test("those that are past it are to be stopped, whatever became of the others", () => {
  const tests = [run("a", 0), run("b", 30_000), run("c", 0, 1_000), notStarted];
  expect(judgeTests(tests, MINUTE, MINUTE)).toEqual({ is: "overdue", names: ["ns-test-a-1"] });
});

test("nothing is said before each has started and ended", () => {
  expect(judgeTests([run("a", 0, 100), notStarted], MINUTE, 1_000)).toEqual({ is: "waiting" });
  expect(judgeTests([run("a", 0, 100, 1), run("b", 0)], MINUTE, 1_000)).toMatchObject({ is: "running" });
  expect(judgeTests([], MINUTE, 1_000)).toEqual({ is: "waiting" });
});

test("the result is that of the first that failed, over all of the time", () => {
  const tests = [run("a", 1_000, 2_000), run("b", 1_500, 9_000, 3), run("c", 1_200, 3_000, 4)];
  expect(judgeTests(tests, MINUTE, 10_000)).toEqual({
    is: "ended",
    verdict: {
      exitCode: 3,
      timedOut: false,
      durationMs: 8_000,
      services: [
        { service: "a", replica: 1, exitCode: 0, durationMs: 1_000 },
        { service: "b", replica: 1, exitCode: 3, durationMs: 7_500 },
        { service: "c", replica: 1, exitCode: 4, durationMs: 1_800 },
      ],
    },
  });
});

test("what took its whole time was stopped, even if it ended with 0, and whoever looks later sees the same", () => {
  const stopped = [run("a", 0, MINUTE + 300, 0)];
  expect(judgeTests(stopped, MINUTE, 2 * MINUTE)).toMatchObject({ verdict: { timedOut: true, exitCode: 0 } });
  expect(judgeTests(stopped, MINUTE, 9e9)).toEqual(judgeTests(stopped, MINUTE, 2 * MINUTE));
});

test("a clock that was set back makes nothing negative", () => {
  expect(judgeTests([run("a", 5_000, 4_000)], MINUTE, 6_000)).toMatchObject({ verdict: { durationMs: 0 } });
});

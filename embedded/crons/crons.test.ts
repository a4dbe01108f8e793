import { cronJobs, makeFunctionReference } from "convex/server";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assertRunnable, firstRun, nextRun } from "./nextRun.ts";
import { CronScheduleError, parseSchedule } from "./schedule.ts";

const at = (iso: string): number => Date.parse(iso);
const iso = (ms: number): string => new Date(ms).toISOString();

const first = (schedule: unknown, now: string): string =>
  iso(firstRun(parseSchedule("c", schedule), at(now)));
const cron = (expression: string): unknown => ({ type: "cron", cron: expression });

describe("first run", () => {
  test.each<[string, unknown, string, string]>([
    [
      "interval starts at once",
      { type: "interval", minutes: 5 },
      "2024-01-01T00:00:07Z",
      "2024-01-01T00:00:07.000Z",
    ],
    [
      "hourly, later this hour",
      { type: "hourly", minuteUTC: 5 },
      "2023-03-01T08:00:00Z",
      "2023-03-01T08:05:00.000Z",
    ],
    [
      "hourly, next hour",
      { type: "hourly", minuteUTC: 5 },
      "2023-03-01T08:35:00Z",
      "2023-03-01T09:05:00.000Z",
    ],
    [
      "hourly, exactly on it",
      { type: "hourly", minuteUTC: 5 },
      "2023-03-01T08:05:00Z",
      "2023-03-01T09:05:00.000Z",
    ],
    [
      "hourly over new year",
      { type: "hourly", minuteUTC: 0 },
      "2023-12-31T23:59:59.999Z",
      "2024-01-01T00:00:00.000Z",
    ],
    [
      "daily, tomorrow",
      { type: "daily", hourUTC: 8, minuteUTC: 30 },
      "2023-02-28T08:35:00Z",
      "2023-03-01T08:30:00.000Z",
    ],
    [
      "daily into a leap day",
      { type: "daily", hourUTC: 8, minuteUTC: 30 },
      "2024-02-28T08:35:00Z",
      "2024-02-29T08:30:00.000Z",
    ],
    [
      "weekly, today",
      { type: "weekly", dayOfWeek: "tuesday", hourUTC: 12, minuteUTC: 30 },
      "2023-02-28T08:35:00Z",
      "2023-02-28T12:30:00.000Z",
    ],
    [
      "weekly, sunday",
      { type: "weekly", dayOfWeek: "sunday", hourUTC: 0, minuteUTC: 0 },
      "2024-02-29T00:00:00Z",
      "2024-03-03T00:00:00.000Z",
    ],
    [
      "monthly, first",
      { type: "monthly", day: 1, hourUTC: 12, minuteUTC: 30 },
      "2023-02-28T08:35:00Z",
      "2023-03-01T12:30:00.000Z",
    ],
    [
      "monthly 29 in a common year",
      { type: "monthly", day: 29, hourUTC: 0, minuteUTC: 0 },
      "2023-02-01T00:00:00Z",
      "2023-03-29T00:00:00.000Z",
    ],
    [
      "monthly 29 in a leap year",
      { type: "monthly", day: 29, hourUTC: 0, minuteUTC: 0 },
      "2024-02-01T00:00:00Z",
      "2024-02-29T00:00:00.000Z",
    ],
    [
      "monthly 31 skips April",
      { type: "monthly", day: 31, hourUTC: 0, minuteUTC: 0 },
      "2024-04-01T00:00:00Z",
      "2024-05-31T00:00:00.000Z",
    ],
    ["cron: Monday and Friday", cron("0 12 * * 1,5"), "2023-02-28T08:35:00Z", "2023-03-03T12:00:00.000Z"],
    ["cron: every seventh minute", cron("*/7 * * * *"), "2024-02-01T00:56:00Z", "2024-02-01T01:00:00.000Z"],
    ["cron: names", cron("0 4 * JAN-MAR SUN"), "2024-03-31T04:00:00Z", "2025-01-05T04:00:00.000Z"],
    ["cron: 29 February", cron("0 0 29 2 *"), "2024-03-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    [
      "cron: 29 February over 2100, no leap year",
      cron("0 0 29 2 *"),
      "2096-03-01T00:00:00Z",
      "2104-02-29T00:00:00.000Z",
    ],
    ["cron: last day of February", cron("0 0 L 2 *"), "2023-03-01T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["cron: day of month or of week", cron("0 0 13 * 5"), "2024-02-01T00:00:00Z", "2024-02-02T00:00:00.000Z"],
    [
      "cron: no daylight saving in UTC",
      cron("30 2 * * *"),
      "2024-03-31T00:00:00Z",
      "2024-03-31T02:30:00.000Z",
    ],
  ])("%s", (_name, schedule, now, expected) => {
    expect(first(schedule, now)).toBe(expected);
  });
});

describe("next run", () => {
  test("an interval keeps its phase and skips what was missed", () => {
    const rule = parseSchedule("c", { type: "interval", seconds: 60 });
    const start = at("2024-01-01T00:00:07Z");
    expect(iso(nextRun(rule, start, start))).toBe("2024-01-01T00:01:07.000Z");
    expect(iso(nextRun(rule, start, start + 59_999))).toBe("2024-01-01T00:01:07.000Z");
    expect(iso(nextRun(rule, start, start + 60_000))).toBe("2024-01-01T00:02:07.000Z");
    expect(iso(nextRun(rule, start, at("2024-01-01T05:30:00Z")))).toBe("2024-01-01T05:30:07.000Z");
  });

  test("an expression goes on from the later of the last run and now", () => {
    const rule = parseSchedule("c", { type: "monthly", day: 1, hourUTC: 12, minuteUTC: 30 });
    const march = at("2023-03-01T12:30:00Z");
    expect(iso(nextRun(rule, march, march + 5))).toBe("2023-04-01T12:30:00.000Z");
    expect(iso(nextRun(rule, march, at("2023-06-15T00:00:00Z")))).toBe("2023-07-01T12:30:00.000Z");
    // A clock that steps back must not run the same instant twice.
    expect(iso(nextRun(rule, march, march - 3_600_000))).toBe("2023-04-01T12:30:00.000Z");
  });

  test("is always later than both the last run and now", () => {
    const schedules = fc.oneof(
      fc.record({ type: fc.constant("interval"), seconds: fc.integer({ min: 1, max: 1e6 }) }),
      fc.record({ type: fc.constant("hourly"), minuteUTC: fc.integer({ min: 0, max: 59 }) }),
      fc.record({ type: fc.constant("daily"), hourUTC: fc.integer({ min: 0, max: 23 }) }),
      fc.record({
        type: fc.constant("monthly"),
        day: fc.integer({ min: 1, max: 31 }),
        hourUTC: fc.integer({ min: 0, max: 23 }),
        minuteUTC: fc.integer({ min: 0, max: 59 }),
      }),
    );
    const instants = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2110-01-01T00:00:00Z") });
    fc.assert(
      fc.property(schedules, instants, instants, (schedule, previous, now) => {
        const next = nextRun(parseSchedule("c", schedule), previous, now);
        expect(next).toBeGreaterThan(previous);
        expect(next).toBeGreaterThan(now);
        if (schedule.type === "monthly") expect(new Date(next).getUTCDate()).toBe(schedule.day);
      }),
    );
  });
});

describe("a minute that is left out", () => {
  test("is spread by the name, and stable", () => {
    const minuteOf = (name: string): number =>
      new Date(firstRun(parseSchedule(name, { type: "hourly" }), at("2024-01-01T00:00:00Z"))).getUTCMinutes();
    expect(minuteOf("clean up")).toBe(minuteOf("clean up"));
    expect(new Set(Array.from({ length: 200 }, (_, i) => minuteOf(`cron ${i}`))).size).toBeGreaterThan(40);
  });
});

describe("refusals", () => {
  test.each<[string, unknown, RegExp]>([
    ["no kind", {}, /invalid schedule/],
    ["two units", { type: "interval", seconds: 1, hours: 1 }, /exactly one of \(seconds, minutes, hours\)/],
    ["no unit", { type: "interval" }, /exactly one of/],
    ["zero", { type: "interval", seconds: 0 }, /seconds/],
    ["minute 60", { type: "hourly", minuteUTC: 60 }, /minuteUTC/],
    ["hour 24", { type: "daily", hourUTC: 24 }, /hourUTC/],
    ["day 32", { type: "monthly", day: 32, hourUTC: 0 }, /day/],
    ["weekday Tuesday", { type: "weekly", dayOfWeek: "Tuesday", hourUTC: 0 }, /dayOfWeek/],
    ["six fields", cron("0 0 12 * * 1"), /five fields/],
    ["four fields", cron("0 12 * *"), /five fields/],
    ["empty", cron(""), /five fields/],
    ["a nickname", cron("@daily"), /five fields/],
    ["hashed", cron("H * * * *"), /not a cron expression that Convex accepts/],
    ["weekday 7", cron("0 12 * * 7"), /0 \(Sunday\) to 6/],
    ["minute 60", cron("60 * * * *"), /no next run/],
    ["month 13", cron("0 0 1 13 *"), /no next run/],
    ["31 February", cron("0 0 31 2 *"), /no next run/],
    ["words", cron("every day at noon please"), /no next run|not a cron expression/],
  ])("%s", (_name, schedule, message) => {
    const run = (): void => assertRunnable(parseSchedule("c", schedule), at("2024-01-01T00:00:00Z"));
    expect(run).toThrow(CronScheduleError);
    expect(run).toThrow(message);
  });
});

test("every schedule that convex/server exports is understood", () => {
  const job = makeFunctionReference<"mutation">("jobs:run");
  const crons = cronJobs();
  crons.interval("i", { hours: 2 }, job);
  crons.hourly("h", job);
  crons.hourly("h5", { minuteUTC: 5 }, job);
  crons.daily("d", { hourUTC: 3 }, job);
  crons.weekly("w", { dayOfWeek: "friday", hourUTC: 3, minuteUTC: 0 }, job);
  crons.monthly("m", { day: 15, hourUTC: 3 }, job);
  crons.cron("c", "15 7 * * *", job);
  for (const [name, { schedule }] of Object.entries(crons.crons)) {
    expect(() => assertRunnable(parseSchedule(name, schedule), Date.now())).not.toThrow();
  }
});

import { describe, expect, test } from "vitest";
import { nothingUsed, type Counters } from "./counters.ts";
import { addUsage, asOne, meanOf, NO_USAGE, usageBetween } from "./usage.ts";

const counters = (at: number, values: Partial<Counters> = {}): Counters => ({
  ...nothingUsed(at),
  ...values,
});

test("what rose between two readings becomes a rate; memory is what is held at the end", () => {
  const before = counters(1_000, { cpuSeconds: 10, memoryBytes: 5, rxBytes: 100, writeBytes: 4096 });
  const after = counters(6_000, { cpuSeconds: 12.5, memoryBytes: 9, rxBytes: 600, writeBytes: 14_096 });
  expect(usageBetween(before, after)).toEqual({
    seconds: 5,
    usage: { cpu: 0.5, memoryBytes: 9, rxBps: 100, txBps: 0, readBps: 0, writeBps: 2000 },
  });
});

test("a counter that fell began anew: what it shows was used since", () => {
  const before = counters(0, { cpuSeconds: 1_000, rxBytes: 1e9, txBytes: 10 });
  const after = counters(10_000, { cpuSeconds: 5, rxBytes: 2_000, txBytes: 30 });
  expect(usageBetween(before, after)?.usage).toMatchObject({ cpu: 0.5, rxBps: 200, txBps: 2 });
});

test("readings too near to each other, or in the wrong order, give no rate", () => {
  expect(usageBetween(counters(1_000), counters(1_499, { cpuSeconds: 1 }))).toBeNull();
  expect(usageBetween(counters(1_000), counters(1_000))).toBeNull();
  expect(usageBetween(counters(2_000), counters(1_000))).toBeNull();
  expect(usageBetween(counters(1_000), counters(1_500))?.seconds).toBe(0.5);
});

test("a mean weighs each interval by how long it was, and there is none of nothing", () => {
  const usage = { cpu: 1, memoryBytes: 100, rxBps: 0, txBps: 0, readBps: 0, writeBps: 30 };
  const long = addUsage(NO_USAGE, { usage, seconds: 45 });
  const both = addUsage(long, { usage: { ...usage, cpu: 0.2, memoryBytes: 500 }, seconds: 15 });
  const mean = meanOf(both)!;
  expect(mean.cpu).toBeCloseTo(0.8, 12);
  expect(mean.memoryBytes).toBeCloseTo(200, 9);
  expect(mean.writeBps).toBeCloseTo(30, 12);
  expect(meanOf(NO_USAGE)).toBeNull();
});

describe("containers that are one service's replica", () => {
  const usage = { cpu: 0.5, memoryBytes: 100, rxBps: 1, txBps: 2, readBps: 3, writeBps: 4 };
  const ran = (seconds: number) => addUsage(NO_USAGE, { usage, seconds });

  test("side by side use what both use", () => {
    expect(meanOf(asOne([ran(60), ran(60)], 60))).toMatchObject({ cpu: 1, memoryBytes: 200, writeBps: 8 });
    expect(meanOf(asOne([ran(5), ran(5)], 0))).toMatchObject({ cpu: 1 });
  });

  test("one after the other use what each did in its time", () => {
    expect(meanOf(asOne([ran(40), ran(20)], 60))).toEqual(usage);
  });

  test("for a part of the time side by side", () => {
    expect(meanOf(asOne([ran(60), ran(15)], 60))?.cpu).toBeCloseTo(0.625, 12);
  });

  test("one alone is averaged over the time that it ran", () => {
    expect(meanOf(asOne([ran(15)], 60))).toEqual(usage);
    expect(meanOf(asOne([], 60))).toBeNull();
  });
});

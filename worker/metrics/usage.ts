import type { MetricPoint } from "../../core/metrics.ts";
import type { Counters } from "./counters.ts";

/** What a container used over an interval, as means of it. */
export type Usage = Omit<MetricPoint, "at" | "diskBytes">;

/** Over a shorter interval a rate says more of the measuring than of what is measured. */
const LEAST_SECONDS = 0.5;

/**
 * What was used between two readings; a counter that fell began anew meanwhile, and so counted from nothing.
 * @returns null where they are too near to each other, or in the wrong order
 */
export function usageBetween(before: Counters, after: Counters): { usage: Usage; seconds: number } | null {
  const seconds = (after.at - before.at) / 1000;
  if (!(seconds >= LEAST_SECONDS)) return null;
  const rate = (key: Exclude<keyof Counters, "at" | "memoryBytes">) =>
    (after[key] >= before[key] ? after[key] - before[key] : after[key]) / seconds;
  return {
    seconds,
    usage: {
      cpu: rate("cpuSeconds"),
      memoryBytes: after.memoryBytes,
      rxBps: rate("rxBytes"),
      txBps: rate("txBytes"),
      readBps: rate("readBytes"),
      writeBps: rate("writeBytes"),
    },
  };
}

const KEYS = ["cpu", "memoryBytes", "rxBps", "txBps", "readBps", "writeBps"] as const;

function each(of: (key: keyof Usage) => number): Usage {
  return Object.fromEntries(KEYS.map((key) => [key, of(key)])) as Usage;
}

/** Intervals of one container, to be averaged: each counts for as long as it was. */
export type UsageSum = { seconds: number; weighted: Usage };

export const NO_USAGE: UsageSum = { seconds: 0, weighted: each(() => 0) };

export function addUsage(sum: UsageSum, { usage, seconds }: { usage: Usage; seconds: number }): UsageSum {
  return {
    seconds: sum.seconds + seconds,
    weighted: each((key) => sum.weighted[key] + usage[key] * seconds),
  };
}

/** Null where there is nothing to average. */
export function meanOf({ seconds, weighted }: UsageSum): Usage | null {
  return seconds > 0 ? each((key) => weighted[key] / seconds) : null;
}

/**
 * What several containers used as one: side by side they use what they all use, one after the other what each did in
 * its time.
 * @param wholeSeconds how long all that was
 */
export function asOne(sums: readonly UsageSum[], wholeSeconds: number): UsageSum {
  const whole = Math.max(wholeSeconds, ...sums.map(({ seconds }) => seconds));
  return {
    seconds: Math.min(
      whole,
      sums.reduce((total, { seconds }) => total + seconds, 0),
    ),
    weighted: each((key) => sums.reduce((total, { weighted }) => total + weighted[key], 0)),
  };
}

import type { Receipt, ReceiptPhase } from "../../core/rollout.ts";
import type { InProgress, PhaseCounts, RolloutCounts, SideCounts } from "../gateway/gateway.ts";
import type { Drain } from "./drains.ts";

/**
 * What the gateway counted of a rollout, as people read it. Pure.
 * @param old what the containers that served before still have in progress
 */
export function receiptOf(
  { phases, waiting }: RolloutCounts,
  old: readonly (InProgress & { drain: Drain })[],
): Receipt {
  const sum = (drain: Drain, field: keyof InProgress) =>
    old.reduce((total, one) => total + (one.drain === drain ? one[field] : 0), 0);
  return {
    before: phaseOf(phases.before),
    during: phaseOf(phases.during),
    after: phaseOf(phases.after),
    unfinished: { cut: sum("overdue", "requests"), streams: sum("streams", "streams"), waiting },
  };
}

function phaseOf({ accepted, ...sides }: PhaseCounts): ReceiptPhase {
  const all = [sides.old, sides.new, sides.none];
  const sum = (field: "served" | "failed" | "aborted") => all.reduce((total, side) => total + side[field], 0);
  const latencies = merged([sides.old, sides.new]);
  return {
    accepted,
    served: sum("served"),
    failed: sum("failed"),
    aborted: sum("aborted"),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

function merged(sides: readonly SideCounts[]): [number, number][] {
  const counts = new Map<number, number>();
  for (const { latencies } of sides) {
    for (const [upTo, count] of latencies) counts.set(upTo, (counts.get(upTo) ?? 0) + count);
  }
  return [...counts].sort(([one], [other]) => one - other);
}

/** The least bound that `share` of all stay within; null where there are none. */
function quantile(latencies: readonly [number, number][], share: number): number | null {
  const total = latencies.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [upTo, count] of latencies) {
    seen += count;
    if (seen >= total * share) return upTo;
  }
  return null;
}

/** Requests of one side that ended, whatever phase they began in. */
export function ended({ phases }: RolloutCounts, side: "old" | "new"): Ended {
  const counts = Object.values(phases).map((phase) => phase[side]);
  return {
    all: counts.reduce((total, { served, failed }) => total + served + failed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    givenUp: counts.reduce((total, { givenUp }) => total + givenUp, 0),
  };
}

/** `all` are those that were answered; those that were `givenUp` were not. */
export type Ended = { all: number; failed: number; givenUp: number };

/** `6 of the first 9 requests after the switch failed`, or were given up, or both. */
export function troubles({ all, failed, givenUp }: Ended, requests: string, which = ""): string {
  const of = `of the ${which}${all + givenUp} ${requests}`;
  const were = "given up by their clients after a second or more";
  if (givenUp === 0) return `${failed} ${of} failed`;
  return failed === 0
    ? `${givenUp} ${of} were ${were}`
    : `${failed} ${of} failed, and ${givenUp} were ${were}`;
}

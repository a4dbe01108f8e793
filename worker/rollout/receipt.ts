import type { Receipt, ReceiptPhase } from "../../core/rollout.ts";
import type { PhaseCounts, RolloutCounts, SideCounts } from "../gateway/gateway.ts";

/** What the gateway counted of a rollout, as people read it. Pure. */
export function receiptOf({ phases }: RolloutCounts): Receipt {
  return {
    before: phaseOf(phases.before),
    during: phaseOf(phases.during),
    after: phaseOf(phases.after),
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
export function ended({ phases }: RolloutCounts, side: "old" | "new"): { all: number; failed: number } {
  const counts = Object.values(phases).map((phase) => phase[side]);
  const failed = counts.reduce((total, count) => total + count.failed, 0);
  return { all: counts.reduce((total, { served }) => total + served, failed), failed };
}

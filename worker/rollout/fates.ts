import { LABELS } from "../../core/labels.ts";
import type { RoutedReplica } from "./replicas.ts";
import type { RolloutMemory } from "./decide.ts";

/**
 * What becomes of a container that is wanted no more: `stay` while it may be needed, `park` to be kept ready, `end` where
 * the gateway is to end what is in progress before that.
 */
export type Fate = "stay" | "end" | "park" | "remove";

export type FatesInput = {
  earlier: readonly RoutedReplica[];
  memory: RolloutMemory | null;
  /** Ids of the containers that the gateway's table leads to, or has stand by. */
  routed: ReadonlySet<string>;
  /** Ids of those that have requests in progress, and still have time for them. */
  busy: ReadonlySet<string>;
  /** Ids of those that have something in progress, and no time for it any more. */
  overdue: ReadonlySet<string>;
  /** The release that is kept ready for a rollback. */
  kept: { number: number } | null;
};

/** By container name. Pure. */
export function fatesOf({ earlier, memory, routed, busy, overdue, kept }: FatesInput): Map<string, Fate> {
  const settled = memory === null || memory.phase === "live" || memory.phase === "undone";
  return new Map(
    earlier.map(({ name, container }): [string, Fate] => {
      const id = container?.id ?? "";
      const old = memory !== null && memory.phase !== "live" && memory.old.includes(id);
      if (old || routed.has(id) || busy.has(id)) return [name, "stay"];
      // Another release has just failed, or was overtaken: nothing ever led to it.
      const release = Number(container?.labels[LABELS.release] ?? 0);
      if (release === kept?.number) return [name, settled ? (overdue.has(id) ? "end" : "park") : "stay"];
      return [name, "remove"];
    }),
  );
}

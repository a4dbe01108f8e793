import { LABELS } from "../../core/labels.ts";
import { isFiller, isMadeByMount, markOf, marksOf } from "../filling/marks.ts";
import { SNAPSHOT_ROLE, type Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";

const INTERRUPTED = "taking a snapshot was interrupted";

/**
 * Removes the snapshots that no release needs any more, and what was left behind where taking one was interrupted. It
 * is taken (worker/snapshots) by turns of the same project, after the plan was executed, so nothing is under way now.
 * @param found what belongs to the project and to none of its environments
 * @param kept the hashes of those that stay; not given: all
 */
export function planSnapshots(plan: PlanBuilder, found: Snapshot, kept: readonly string[] | undefined): void {
  const gone = found.containers
    .filter(isFiller)
    .map(({ name }) => plan.add(null, { do: "remove container", target: name }, INTERRUPTED));
  const remove = (name: string, holds: "data" | "nothing", cause: string, after: string[] = []) =>
    plan.add(null, { do: "remove volume", target: name, holds }, cause, [...gone, ...after]);
  // What is half filled goes before the mark that says so.
  const removed = new Map<string, string>();
  for (const volume of found.volumes) {
    const { name, labels } = volume;
    if (labels[LABELS.role] !== SNAPSHOT_ROLE) continue;
    if (isMadeByMount(volume) || markOf(volume, found.volumes)) {
      const id = remove(name, "nothing", INTERRUPTED);
      for (const mark of marksOf(name, found.volumes)) removed.set(mark.name, id);
    } else if (kept && !kept.includes(labels[LABELS.snapshot] ?? "")) {
      remove(name, "data", "no release that is kept needs it");
    }
  }
  for (const { name } of found.volumes.filter(isFiller)) {
    remove(name, "nothing", INTERRUPTED, removed.has(name) ? [removed.get(name)!] : []);
  }
}

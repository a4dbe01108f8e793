import { LABELS } from "../../core/labels.ts";
import { isFiller, SNAPSHOT_ROLE, unfilledMarker, type Snapshot } from "../snapshot.ts";
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
  const remove = (name: string, cause: string, after: string[] = []) =>
    plan.add(null, { do: "remove volume", target: name }, cause, [...gone, ...after]);
  const markers = new Set(found.volumes.filter(isFiller).map(({ name }) => name));
  // What is half filled goes before the mark that says so.
  const removed = new Map<string, string>();
  for (const { name, labels } of found.volumes) {
    if (labels[LABELS.role] !== SNAPSHOT_ROLE) continue;
    if (markers.has(unfilledMarker(name))) removed.set(unfilledMarker(name), remove(name, INTERRUPTED));
    else if (kept && !kept.includes(labels[LABELS.snapshot] ?? "")) {
      remove(name, "no release that is kept needs it");
    }
  }
  for (const name of markers) remove(name, INTERRUPTED, removed.has(name) ? [removed.get(name)!] : []);
}

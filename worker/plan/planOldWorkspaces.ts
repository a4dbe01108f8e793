import { LABELS } from "../../core/labels.ts";
import type { RenderedEnvironment } from "../../core/render/rendered.ts";
import { isFiller, isMadeByMount, marksOf } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/**
 * Removes the workspaces of releases that an environment no longer runs, with what was left of filling them: the
 * snapshot has all that was in them first. One stays while a container of its release, or one that mounts it, is there.
 * @param removals container → the operation that removes it, among them all that was to fill such a workspace
 */
export function planOldWorkspaces(
  plan: PlanBuilder,
  { kind, volumes }: RenderedEnvironment,
  found: Snapshot,
  removals: ReadonlyMap<string, string>,
): void {
  const wanted = new Set(volumes.map(({ name }) => name));
  const staying = found.containers.filter(
    (container) => !isFiller(container) && !removals.has(container.name),
  );
  const inUse = new Set(staying.map(({ labels }) => labels[LABELS.release]));
  // Releases of one content share a workspace, which is labelled with the first of them.
  const mounted = new Set(staying.flatMap(({ volumes }) => volumes ?? []));
  const cause = `${kind} runs another release now`;
  for (const { name, labels } of found.volumes) {
    const release = labels[LABELS.release];
    if (isFiller({ labels }) || release === undefined || wanted.has(name)) continue;
    if (inUse.has(release) || mounted.has(name)) continue;
    const removed = plan.add(kind, { do: "remove volume", target: name, holds: "data" }, cause, [
      ...removals.values(),
    ]);
    for (const { name: target } of marksOf(name, found.volumes)) {
      plan.add(kind, { do: "remove volume", target, holds: "nothing" }, cause, [removed]);
    }
  }
  // Its volume may be gone already, or never have been made; and a call that came late may have had Docker make both again.
  const made = new Set(found.volumes.filter((volume) => !isFiller(volume)).map(({ name }) => name));
  for (const volume of found.volumes.filter(isFiller)) {
    const { name: target, labels } = volume;
    const of = target.replace(/_unfilled(_[a-z0-9]+)?$/, "");
    if (wanted.has(of) || mounted.has(target)) continue;
    const isAlone = labels[LABELS.release] !== undefined && !made.has(of);
    if (!isAlone && !isMadeByMount(volume)) continue;
    plan.add(kind, { do: "remove volume", target, holds: "nothing" }, cause, [...removals.values()]);
  }
}

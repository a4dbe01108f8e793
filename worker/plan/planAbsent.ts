import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { isFiller } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/**
 * Removes what `found` holds: containers, then the networks and volumes that they used.
 * @param keepVolumes whether volumes stay (a project's files and data, for when it comes back)
 */
export function planAbsent(
  plan: PlanBuilder,
  kind: EnvironmentKind | null,
  found: Snapshot,
  keepVolumes: boolean,
  cause: string,
): void {
  const containers = found.containers.map(({ name }) =>
    plan.add(kind, { do: "remove container", target: name }, cause),
  );
  for (const { name, id } of found.networks) {
    plan.add(kind, { do: "remove network", target: name, networkId: id }, cause, containers);
  }
  // Half a starter would count as a project's own files if its "not yet" went first, or went while the volume stays.
  if (keepVolumes) return;
  const remove = (name: string, holds: "data" | "nothing", after: string[]) =>
    plan.add(kind, { do: "remove volume", target: name, holds }, cause, after);
  const volumes = found.volumes
    .filter((volume) => !isFiller(volume))
    .map(({ name }) => remove(name, "data", containers));
  for (const { name } of found.volumes.filter(isFiller)) remove(name, "nothing", [...containers, ...volumes]);
}

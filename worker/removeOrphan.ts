import { GROUP_NAMESPACE } from "../core/groups.ts";
import { NAMESPACE } from "../core/naming.ts";
import type { ControlPlane } from "./controlPlane.ts";
import type { Engine } from "./engine/engine.ts";
import { execute } from "./execute.ts";
import { unneededGroup } from "./groups/groupProject.ts";
import type { Log } from "./log.ts";
import { plan, planRemoval } from "./plan/plan.ts";
import type { RouteTable } from "./routeTable.ts";
import { observe, type Snapshot } from "./snapshot.ts";
import type { Starters } from "./starters.ts";

const PARALLEL_CALLS = 4;

/**
 * Removes everything that this instance made for a namespace that no project owns. Of a group that still has a member,
 * though none on this host, what people made stays.
 * @throws where something of it is left
 */
export async function removeOrphan(
  context: {
    engine: Engine;
    controlPlane: Pick<ControlPlane, "groups">;
    starters: Starters;
    routes: RouteTable;
    instanceId: string;
    log: Log;
  },
  namespace: string,
): Promise<void> {
  const { engine, controlPlane, starters, routes, instanceId, log } = context;
  const owned = { instanceId, namespace };
  // A group has no routes.
  if (NAMESPACE.test(namespace)) await routes.put(namespace, null);
  const isKept = GROUP_NAMESPACE.test(namespace) && (await controlPlane.groups()).includes(namespace);
  const look = async () => await observe(engine, owned);
  const planFor = (snapshot: Snapshot) =>
    isKept
      ? plan({ spec: unneededGroup(namespace), rendered: null, snapshot })
      : planRemoval(snapshot, `no project owns ${namespace}`);
  const found = await look();
  const { failed, done } = await execute(engine, starters, planFor(found), {
    parallel: PARALLEL_CALLS,
    found: found.containers,
  });
  log("orphan-removed", { namespace, operations: done.length });
  if (failed[0]) throw failed[0].error;
  if (planFor(await look()).length > 0) throw new Error(`${namespace} is not gone yet.`);
}

import { NAMESPACE } from "../core/naming.ts";
import type { Engine } from "./engine/engine.ts";
import { execute } from "./execute.ts";
import type { Log } from "./log.ts";
import { planRemoval } from "./plan/plan.ts";
import type { RouteTable } from "./routeTable.ts";
import { isEmpty, observe } from "./snapshot.ts";
import type { Starters } from "./starters.ts";

const PARALLEL_CALLS = 4;

/**
 * Removes everything that this instance made for a namespace that no project owns.
 * @throws where something of it is left
 */
export async function removeOrphan(
  context: { engine: Engine; starters: Starters; routes: RouteTable; instanceId: string; log: Log },
  namespace: string,
): Promise<void> {
  const { engine, starters, routes, instanceId, log } = context;
  const owned = { instanceId, namespace };
  // A group has no routes.
  if (NAMESPACE.test(namespace)) await routes.put(namespace, null);
  const operations = planRemoval(await observe(engine, owned), `no project owns ${namespace}`);
  const { failed, done } = await execute(engine, starters, operations, { parallel: PARALLEL_CALLS });
  log("orphan-removed", { namespace, operations: done.length });
  if (failed[0]) throw failed[0].error;
  if (!isEmpty(await observe(engine, owned))) throw new Error(`${namespace} is not gone yet.`);
}

import { LABELS } from "../../core/labels.ts";
import type { RenderedNetwork } from "../../core/render/rendered.ts";
import type { ControlPlane, TakenSubnet } from "../controlPlane.ts";
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../engine/engineError.ts";
import type { Failure } from "../execute.ts";
import type { Log } from "../log.ts";

type TakenContext = {
  engine: Pick<Engine, "listNetworks">;
  controlPlane: Pick<ControlPlane, "reallocateSubnet">;
  instanceId: string;
  log: Log;
};

/**
 * A subnet that Docker says is taken is exchanged for another one; the next turn uses that. One that a project's network
 * has is waited for: what a worker made that had not heard yet of its being replaced goes as an orphan, and the block
 * that was given back is good again.
 * @param of the project, or the group by way of one of its members; failures of other namespaces are not its own
 * @param whichOf what the network is to its owner
 * @returns why one could not be exchanged, or null
 */
export async function reallocateTakenSubnets(
  { engine, controlPlane, instanceId, log }: TakenContext,
  of: { projectId: string; name: string; namespace: string },
  failures: readonly Failure[],
  whichOf: (network: RenderedNetwork) => TakenSubnet["which"],
): Promise<unknown> {
  try {
    for (const { operation, error } of failures) {
      if (operation.do !== "create network" || operation.environment === null) continue;
      if (!(error instanceof EngineError) || error.fault !== "subnet_taken") continue;
      const { network, environment: kind } = operation;
      const { subnet } = network;
      if (subnet === null || network.labels[LABELS.namespace] !== of.namespace) continue;
      const ours = await engine.listNetworks({ instanceId });
      const holder = ours.find((other) => other.subnet === subnet && other.labels[LABELS.namespace]);
      const which = whichOf(network);
      log("subnet-taken", { project: of.name, environment: kind, which, by: holder?.name ?? "others" });
      if (holder) continue;
      const taken = { kind, which, subnet, reason: error.message };
      await controlPlane.reallocateSubnet(of.projectId, taken);
    }
    return null;
  } catch (error) {
    return error;
  }
}

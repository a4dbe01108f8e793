import type { ProjectSpec } from "../../core/projectSpec.ts";
import { EngineError } from "../engine/engineError.ts";
import type { Failure } from "../execute.ts";
import type { Snapshot } from "../snapshot.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * A subnet that Docker says is taken is exchanged for another one; the next turn uses that.
 * @returns why one could not be exchanged, or null
 */
export async function reallocateTakenSubnets(
  { controlPlane, log }: TurnContext,
  spec: ProjectSpec,
  failures: readonly Failure[],
  after: Snapshot,
): Promise<unknown> {
  for (const { operation, error } of failures) {
    if (operation.do !== "create network" || operation.environment === null) continue;
    if (!(error instanceof EngineError) || error.fault !== "subnet_taken") continue;
    const { name, subnet } = operation.network;
    // Made at the same moment by a worker that this one replaces: then it is taken by the very network that is wanted.
    if (after.networks.some((network) => network.name === name && network.subnet === subnet)) continue;
    const which = operation.network.internal ? "internal" : "egress";
    log("subnet-taken", { project: spec.slug, environment: operation.environment, which });
    try {
      await controlPlane.reallocateSubnet(spec.projectId, operation.environment, which, error.message);
    } catch (refusal) {
      return refusal;
    }
  }
  return null;
}

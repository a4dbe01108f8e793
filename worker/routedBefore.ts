import { GROUP_NAMESPACE } from "../core/groups.ts";
import type { Upstream } from "../core/routes.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { GatewayError } from "./gateway/gatewayError.ts";
import type { ProbeTarget } from "./readiness.ts";
import { upstreamsOf } from "./routeTable.ts";
import { shortId } from "./seen.ts";

/**
 * To which containers the gateway led requests when this worker began: an earlier one had found that they answer, and a
 * slow answer is no reason to take them from their users. The table is asked once for each project; from then on this
 * worker knows itself.
 */
export class RoutedBefore {
  private readonly recalled = new Set<string>();
  /** By namespace the containers that ended before its table was asked: who comes back under an old id begins anew. */
  private readonly ended = new Map<string, Set<string>>();
  private readonly gateway: Pick<Gateway, "routes">;

  constructor(gateway: Pick<Gateway, "routes">) {
    this.gateway = gateway;
  }

  /**
   * @returns `targets`, with what is known of each; a gateway that cannot be asked is asked again at the next look
   * @throws what is no GatewayError
   */
  async mark(namespace: string, targets: readonly ProbeTarget[]): Promise<readonly ProbeTarget[]> {
    if (this.recalled.has(namespace)) return targets;
    const upstreams = targets.length === 0 ? [] : await this.upstreams(namespace);
    if (upstreams === null) return targets;
    this.recalled.add(namespace);
    const ended = this.ended.get(namespace);
    this.ended.delete(namespace);
    return targets.map((target) =>
      !ended?.has(target.id) && upstreams.some((upstream) => leadsTo(upstream, target))
        ? { ...target, wasRouted: true }
        : target,
    );
  }

  /** Docker says that a container ended. */
  noteEnded(namespace: string, id: string): void {
    // What a group shares has no route.
    if (this.recalled.has(namespace) || GROUP_NAMESPACE.test(namespace)) return;
    this.ended.set(namespace, (this.ended.get(namespace) ?? new Set()).add(id));
  }

  forget(namespace: string): void {
    this.recalled.delete(namespace);
    this.ended.delete(namespace);
  }

  private async upstreams(namespace: string): Promise<Upstream[] | null> {
    try {
      return await upstreamsOf(this.gateway, namespace);
    } catch (error) {
      if (error instanceof GatewayError) return null;
      throw error;
    }
  }
}

/** By the container and where it is reached: an address that was freed may be another container's by now. */
function leadsTo({ container, address, port }: Upstream, target: ProbeTarget): boolean {
  return container === shortId(target) && address === target.address && port === target.port;
}

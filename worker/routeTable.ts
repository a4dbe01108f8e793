import type { Upstream } from "../core/routes.ts";
import type { Gateway } from "./gateway/gateway.ts";
import type { UnversionedRoutes } from "./routing.ts";

/** Where the gateway leads requests for `namespace` at this moment. @throws GatewayError */
export async function upstreamsOf(gateway: Pick<Gateway, "routes">, namespace: string): Promise<Upstream[]> {
  const table = await gateway.routes(namespace);
  const services = Object.values(table?.environments ?? {}).flatMap((route) => route?.services ?? []);
  return services.flatMap(({ upstreams }) => upstreams);
}

/** Tells the gateway what changed, and only that. */
export class RouteTable {
  /** What the gateway last took, by namespace; `null`: nothing. */
  private readonly pushed = new Map<string, { json: string; version: number }>();
  private lastVersion = 0;
  private readonly gateway: Gateway;
  private readonly now: () => number;

  /** @param now ms since 1970: versions rise over restarts of the worker, as the gateway asks */
  constructor(gateway: Gateway, now: () => number) {
    this.gateway = gateway;
    this.now = now;
  }

  /** @param routes null takes the project's routes away */
  async put(namespace: string, routes: UnversionedRoutes | null): Promise<"unchanged" | "changed"> {
    const json = JSON.stringify(routes);
    if (this.pushed.get(namespace)?.json === json) return "unchanged";
    this.pushed.delete(namespace);
    if (routes === null) {
      await this.gateway.removeProject(namespace);
      this.pushed.set(namespace, { json, version: 0 });
    } else {
      this.lastVersion = Math.max(this.lastVersion + 1, this.now());
      const version = await this.gateway.pushProject({ ...routes, version: this.lastVersion });
      this.pushed.set(namespace, { json, version });
    }
    return "changed";
  }

  /** Of what the gateway last took; 0: nothing. */
  version(namespace: string): number {
    return this.pushed.get(namespace)?.version ?? 0;
  }

  /** As {@link upstreamsOf}. */
  async upstreams(namespace: string): Promise<Upstream[]> {
    return await upstreamsOf(this.gateway, namespace);
  }

  /** Nothing is known any more of what the gateway has for `namespace`. */
  forget(namespace: string): void {
    this.pushed.delete(namespace);
  }

  /**
   * Compares with what the gateway really answers from.
   * @returns namespaces that it has to be told of again (it lost them, or somebody else pushed), and those that it has
   *   though nobody here speaks of them
   */
  async compare(): Promise<{ lost: string[]; unknown: string[] }> {
    const versions = await this.gateway.answeringVersions();
    this.lastVersion = Math.max(this.lastVersion, ...versions.values());
    const lost = [...this.pushed]
      .filter(([namespace, { version }]) => (versions.get(namespace) ?? 0) !== version)
      .map(([namespace]) => namespace);
    for (const namespace of lost) this.pushed.delete(namespace);
    return { lost, unknown: [...versions.keys()].filter((namespace) => !this.pushed.has(namespace)) };
  }
}

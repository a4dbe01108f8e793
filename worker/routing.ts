import type { ProjectSpec } from "../core/projectSpec.ts";
import {
  ROUTE_LIMITS,
  type EnvironmentRoute,
  type ProjectRoutesInput,
  type RouteState,
} from "../core/routes.ts";
import type { SeenEnvironment } from "./seen.ts";

export type UnversionedRoutes = Omit<ProjectRoutesInput, "version">;

/** Why an environment does not serve, where it has failed. */
export type FailedMessages = Partial<Record<string, string>>;

/**
 * What the gateway should answer for a project, from what was just seen; null where there is nothing to route.
 * Only containers that answer are routed to: a freed address soon belongs to somebody else.
 * @param leaving names of containers that are about to stop or go
 * @param failures by environment kind
 */
export function routesOf(
  spec: Pick<ProjectSpec, "namespace" | "slug" | "status">,
  seen: readonly SeenEnvironment[],
  leaving: ReadonlySet<string>,
  failures: FailedMessages,
): UnversionedRoutes | null {
  const environments: UnversionedRoutes["environments"] = {};
  for (const environment of seen) {
    const route = routeOf(spec, environment, leaving, failures[environment.spec.kind]);
    if (route) environments[environment.spec.kind] = route;
  }
  if (Object.keys(environments).length === 0) return null;
  return { namespace: spec.namespace, slug: spec.slug, environments };
}

function routeOf(
  { status }: Pick<ProjectSpec, "status">,
  { spec, replicas }: SeenEnvironment,
  leaving: ReadonlySet<string>,
  failure: string | undefined,
): EnvironmentRoute | null {
  if (spec.desired === "absent") return null;
  if (spec.desired === "hibernated") {
    return page(status === "paused" ? "paused" : "hibernated");
  }
  const routed = [...new Set(replicas.map(({ service }) => service))].filter(({ route }) => route !== null);
  if (replicas.length > 0 && routed.length === 0) return null;
  const serving = replicas.filter(({ ready, name }) => ready && !leaving.has(name));
  if (serving.length === 0) return failure === undefined ? page("starting") : page("failed", failure);
  return {
    state: "serving",
    services: routed.map((service) => ({
      service: service.service,
      prefix: service.route!,
      stripPrefix: false,
      upstreams: serving
        .filter((replica) => replica.service === service && replica.address !== null)
        .map(({ address }) => ({ address: address!, port: service.port!, weight: 1, draining: false })),
    })),
  };
}

function page(state: RouteState, message?: string): EnvironmentRoute {
  return {
    state,
    services: [],
    ...(message && { message: message.slice(0, ROUTE_LIMITS.messageLength) }),
  };
}

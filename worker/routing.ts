import { routeSettingsOf, type ServiceGateway } from "../core/gatewaySettings.ts";
import { servicesOf } from "../core/manifest.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import {
  ROUTE_LIMITS,
  type EnvironmentRoute,
  type ProjectRoutesInput,
  type RouteState,
  type ServiceRoute,
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
  spec: Pick<ProjectSpec, "namespace" | "slug" | "status" | "manifest">,
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
  const { domains = [], gateway } = spec.manifest;
  return {
    namespace: spec.namespace,
    slug: spec.slug,
    environments,
    domains: domains.map((name) => ({ name, environment: "deploy" })),
    ...(gateway && { limits: { ...gateway.rateLimit, ...connections(gateway.connections) } }),
  };
}

function connections(most: number | undefined) {
  return most === undefined ? {} : { connections: most };
}

function routeOf(
  { status, manifest }: Pick<ProjectSpec, "status" | "manifest">,
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
  const settings = new Map(
    routed.map(({ service }) => [service, settingsOf(servicesOf(manifest)[service]?.gateway)]),
  );
  const missing = [...new Set([...settings.values()].flatMap((of) => of.missing))];
  if (missing.length > 0) return page("failed", missingSecrets(missing));
  return {
    state: "serving",
    services: routed.map((service) => ({
      service: service.service,
      prefix: service.route!,
      ...settings.get(service.service)!.route,
      upstreams: serving
        .filter((replica) => replica.service === service && replica.address !== null)
        .map(({ address }) => ({ address: address!, port: service.port!, weight: 1, draining: false })),
    })),
  };
}

type RouteOptions = Pick<ServiceRoute, "stripPrefix" | "settings">;

function settingsOf(gateway: ServiceGateway = {}): { route: RouteOptions; missing: string[] } {
  const { settings, missing } = routeSettingsOf(gateway);
  const stripPrefix = gateway.stripPrefix ?? false;
  return {
    route: Object.keys(settings).length === 0 ? { stripPrefix } : { stripPrefix, settings },
    missing,
  };
}

/** Without its password a protected service must be open to nobody rather than to everybody. */
function missingSecrets(names: readonly string[]): string {
  return `Its password is not set: ${names.join(", ")}. Set it with slipway secret set.`;
}

function page(state: RouteState, message?: string): EnvironmentRoute {
  return {
    state,
    services: [],
    ...(message && { message: message.slice(0, ROUTE_LIMITS.messageLength) }),
  };
}

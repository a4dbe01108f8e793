import { routeSettingsOf, type ServiceGateway } from "../core/gatewaySettings.ts";
import { hasStatusPage } from "../core/lifecycle.ts";
import { hasRoute, servicesOf, type Manifest } from "../core/manifest.ts";
import { manifestOf, type ProjectSpec } from "../core/projectSpec.ts";
import {
  ROUTE_LIMITS,
  type EnvironmentRoute,
  type ProjectRoutesInput,
  type RouteState,
  type ServiceRoute,
} from "../core/routes.ts";
import { startOf } from "../core/text.ts";
import type { RolloutDecision, Serving } from "./rollout/decide.ts";
import { isRolled, wantedReplica, type RoutedService } from "./rollout/replicas.ts";
import { shortId, type SeenEnvironment } from "./seen.ts";

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
  project: Pick<ProjectSpec, "status" | "manifest">,
  environment: SeenEnvironment,
  leaving: ReadonlySet<string>,
  failure: string | undefined,
): EnvironmentRoute | null {
  const { spec } = environment;
  const { status, manifest } = project;
  if (spec.desired === "absent") {
    return hasStatusPage(status) && hasRoute(manifestOf(project, spec), spec.kind)
      ? statusPage(status)
      : null;
  }
  if (spec.desired === "hibernated") {
    return page(status === "paused" ? "paused" : "hibernated");
  }
  const { routed, serving, known } = servingOf(environment, leaving);
  if (known && routed.length === 0) return null;
  if (serving.length === 0) return failure === undefined ? page("starting") : page("failed", failure);
  const closed = closedFor(manifest, routed);
  if (closed !== null) return page("failed", closed);
  return {
    state: "serving",
    ...(environment.rollout?.mark && { rollout: environment.rollout.mark }),
    ...(environment.rollout && undoneOf(environment.rollout)),
    services: routed.map((service) => ({
      service: service.service,
      prefix: service.route!,
      ...settingsOf(manifest, service).route,
      upstreams: serving
        .filter(({ replica }) => replica.service.service === service.service && replica.address !== null)
        .map(({ replica, weight, side, standby }) => ({
          address: replica.address!,
          port: replica.service.port!,
          ...(replica.container && { container: shortId(replica.container) }),
          weight,
          draining: false,
          ...(side && { side }),
          ...(standby && { standby }),
        })),
    })),
  };
}

/** What the next worker is to know of a rollout that was undone, should this one be killed before it has told of it. */
function undoneOf({ memory }: RolloutDecision): Pick<EnvironmentRoute, "undone"> {
  if (memory.phase !== "undone") return {};
  const { id, revisions, attempt, cause } = memory;
  return { undone: { id, revisions, attempt, cause: (cause ?? "").slice(0, ROUTE_LIMITS.messageLength) } };
}

type Where = {
  /** Services with a route, each once. */
  routed: RoutedService[];
  serving: Serving[];
  /** Whether it is known which services there are. */
  known: boolean;
};

/** Where requests go, or would where it is open: as the rollout has it for services that are rolled out, to all that answers of the others. */
export function servingOf(
  { spec, replicas, rollout }: SeenEnvironment,
  leaving: ReadonlySet<string> = new Set(),
): Where {
  const others = rollout ? replicas.filter(({ service }) => !isRolled(spec.kind, service)) : replicas;
  const serving = [
    ...others
      .filter(({ ready }) => ready)
      .map((replica): Serving => ({ replica: wantedReplica(replica), weight: 1 })),
    ...(rollout?.serving ?? []),
  ].filter(({ replica }) => replica.service.route !== null && !leaving.has(replica.name));
  // Before a switch the routes are those of what serves.
  const isBefore = rollout?.memory.phase === "before" || rollout?.memory.phase === "undone";
  const wanted = rollout?.serving.length && isBefore ? others : replicas;
  const services = new Map<string, RoutedService>();
  for (const { service } of [...wanted, ...serving.map(({ replica }) => replica)]) {
    if (!services.has(service.service)) services.set(service.service, service);
  }
  const routed = [...services.values()].filter(({ route }) => route !== null);
  return { routed, serving, known: replicas.length > 0 };
}

type RouteOptions = Pick<ServiceRoute, "stripPrefix" | "settings">;

function settingsOf(
  manifest: Manifest,
  { service }: RoutedService,
): { route: RouteOptions; missing: string[] } {
  const gateway: ServiceGateway = servicesOf(manifest)[service]?.gateway ?? {};
  const { settings, missing } = routeSettingsOf(gateway);
  const stripPrefix = gateway.stripPrefix ?? false;
  return {
    route: Object.keys(settings).length === 0 ? { stripPrefix } : { stripPrefix, settings },
    missing,
  };
}

/** Why an environment is closed though its containers may answer; null: it is not. */
export function whyClosed(
  { manifest }: Pick<ProjectSpec, "manifest">,
  environment: SeenEnvironment,
): string | null {
  if (environment.spec.desired !== "running") return null;
  return closedFor(manifest, servingOf(environment).routed);
}

/** Without its password a protected service must be open to nobody rather than to everybody. */
function closedFor(manifest: Manifest, routed: readonly RoutedService[]): string | null {
  const missing = new Set(routed.flatMap((service) => settingsOf(manifest, service).missing));
  return missing.size === 0
    ? null
    : `Its password is not set: ${[...missing].join(", ")}. Set it with slipway secret set.`;
}

function statusPage(status: "paused" | "failed"): EnvironmentRoute {
  return status === "paused"
    ? page("paused")
    : page("failed", "The whole project has failed: nothing of it runs.");
}

function page(state: RouteState, message?: string): EnvironmentRoute {
  return {
    state,
    services: [],
    ...(message && { message: startOf(message, ROUTE_LIMITS.messageLength) }),
  };
}

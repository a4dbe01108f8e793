import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { containerName, networkName, revisionOf, rolloutContainerName } from "../../core/naming.ts";
import type { RenderedService } from "../../core/render/rendered.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Readiness } from "../readiness.ts";
import type { SeenReplica } from "../seen.ts";

/** A replica as rollouts and routes see it: wanted, or left of what was wanted before. */
export type RoutedReplica = Omit<SeenReplica, "service"> & { service: RoutedService; revision: string };

export type RoutedService = Pick<RenderedService, "service" | "route" | "port" | "readyPath" | "attachment">;

type Named = Pick<RenderedService, "service" | "configHash" | "job" | "attachment" | "hostPort">;

/**
 * Whether a service of `kind` gets its new containers beside the old ones. One with data of its own, or with a port of
 * the host, can be there once only: it is replaced in its place.
 */
export function isRolled(kind: EnvironmentKind, service: Omit<Named, "service" | "configHash">): boolean {
  return kind === "deploy" && !service.job && !service.attachment && service.hostPort === null;
}

/** The name of a service's container. */
export function replicaName(
  namespace: string,
  kind: EnvironmentKind,
  service: Named,
  replica: number,
): string {
  if (!isRolled(kind, service)) return containerName(namespace, kind, service.service, replica);
  return rolloutContainerName(namespace, kind, service.service, service.configHash, replica);
}

/** What a container tells of how it is reached, for when what it was made from is known no more. */
export function reachLabels({
  route,
  port,
  readyPath,
}: Pick<RenderedService, "route" | "port" | "readyPath">): Record<string, string> {
  return {
    [LABELS.port]: port === null ? "" : String(port),
    [LABELS.route]: route ?? "",
    [LABELS.ready]: readyPath ?? "",
  };
}

export function isRolledContainer({ labels }: Pick<EngineContainer, "labels">): boolean {
  return labels[LABELS.port] !== undefined;
}

export function wantedReplica(replica: SeenReplica): RoutedReplica {
  return { ...replica, revision: revisionOf(replica.service.configHash) };
}

/** A container that was rolled out and is wanted no more, as its labels tell of it. */
export function earlierReplica(
  namespace: string,
  kind: EnvironmentKind,
  container: EngineContainer,
  readiness: Pick<Readiness, "isReady" | "waitingMs">,
): RoutedReplica {
  const { labels, name, state } = container;
  const port = labels[LABELS.port] ? Number(labels[LABELS.port]) : null;
  const address = state === "running" ? (container.networks[networkName(namespace, kind)] ?? null) : null;
  const well = state === "running" && container.health !== "unhealthy";
  return {
    service: {
      service: labels[LABELS.service] ?? name,
      port,
      route: labels[LABELS.route] || null,
      readyPath: labels[LABELS.ready] || null,
      attachment: false,
    },
    revision: revisionOf(labels[LABELS.configHash] ?? ""),
    replica: Number(labels[LABELS.replica] ?? 1),
    name,
    container,
    address,
    ready: well && (port === null || (address !== null && readiness.isReady(container.id))),
    waitingMs: readiness.waitingMs(container.id),
  };
}

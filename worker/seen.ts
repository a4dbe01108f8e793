import { LABELS } from "../core/labels.ts";
import type { EnvironmentSpec, ProjectSpec, ReleaseSpec } from "../core/projectSpec.ts";
import { hasPassed } from "../core/releases.ts";
import type { RenderedEnvironment, RenderedProject, RenderedService } from "../core/render/rendered.ts";
import type { EngineContainer } from "./engine/engine.ts";
import { isFiller } from "./filling/marks.ts";
import type { ProbeTarget, Readiness } from "./readiness.ts";
import type { RolloutDecision } from "./rollout/decide.ts";
import { earlierReplica, isRolledContainer, replicaName, type RoutedReplica } from "./rollout/replicas.ts";
import { ofEnvironment, type Snapshot } from "./snapshot.ts";

/** An environment as it was just seen, beside what is wanted of it. */
export type SeenEnvironment = {
  spec: EnvironmentSpec;
  /** Null where it could not be rendered. */
  rendered: RenderedEnvironment | null;
  found: Snapshot;
  /** One for each replica of each service that the rendered environment has. */
  replicas: SeenReplica[];
  /** The same of a release that gets some of the requests; not given: there is none. */
  canary?: SeenReplica[];
  /** Where its route leads, as its rollout has it; not given: to all that is wanted and answers. */
  rollout?: RolloutDecision | null;
  /** What there is of earlier revisions of services that are rolled out; not given: nothing. */
  earlier?: RoutedReplica[];
};

export type SeenReplica = {
  service: RenderedService;
  replica: number;
  name: string;
  /** Null while there is none, or only one that is to be replaced. */
  container: EngineContainer | null;
  /** IPv4 on the network that the gateway uses; null while it does not run. */
  address: string | null;
  /** Answers, as just seen. */
  ready: boolean;
  /** Milliseconds for which it was asked in vain. */
  waitingMs: number;
};

/** Matches what is wanted with what there is. Pure but for asking `readiness` what it knows. */
export function seeProject(
  spec: ProjectSpec,
  rendered: RenderedProject | null,
  snapshot: Snapshot,
  readiness: Pick<Readiness, "isReady" | "waitingMs">,
): SeenEnvironment[] {
  return spec.environments.map((environment) => {
    const found = ofEnvironment(snapshot, environment.kind);
    const of = rendered?.environments.find(({ kind }) => kind === environment.kind) ?? null;
    const byName = new Map(found.containers.map((container) => [container.name, container]));
    const see = (services: readonly RenderedService[]) =>
      services.flatMap((service) =>
        Array.from({ length: service.replicas }, (_, index) => {
          const name = replicaName(spec.namespace, environment.kind, service, index + 1);
          const release = environment.release ?? null;
          return seeReplica(service, index + 1, name, byName.get(name), readiness, release);
        }),
      );
    const replicas = see(of?.services ?? []);
    const canary = see(of?.canary ?? []);
    const wanted = new Set([...replicas, ...canary].map(({ name }) => name));
    const earlier = found.containers
      .filter((container) => isRolledContainer(container) && !wanted.has(container.name))
      .map((container) => earlierReplica(spec.namespace, environment.kind, container, readiness));
    return { spec: environment, rendered: of, found, replicas, canary, earlier };
  });
}

function seeReplica(
  service: RenderedService,
  replica: number,
  name: string,
  found: EngineContainer | undefined,
  readiness: Pick<Readiness, "isReady" | "waitingMs">,
  release: ReleaseSpec | null,
): SeenReplica {
  // Tests run once for each release, so they are that release's, whatever was changed since.
  const sameTest =
    service.job && release !== null && found?.labels[LABELS.release] === String(release.number);
  const same = sameTest || found?.labels[LABELS.configHash] === service.configHash;
  const container = found && same ? found : null;
  const address =
    (container?.state === "running" && container.networks[service.networks[0]?.name ?? ""]) || null;
  if (service.job) {
    // A release has passed once the control plane knows how its tests ended, not before.
    const ready = release
      ? release.result !== null && hasPassed(release.result)
      : container?.state === "exited" && container.exitCode === 0;
    return { service, replica, name, container, address, ready, waitingMs: 0 };
  }
  const well = container?.state === "running" && container.health !== "unhealthy";
  const answers =
    service.port === null ? container?.health !== "starting" : readiness.isReady(container?.id ?? "");
  return {
    service,
    replica,
    name,
    container,
    address,
    ready: well && answers && (service.port === null || address !== null),
    waitingMs: container ? readiness.waitingMs(container.id) : 0,
  };
}

type Listener = Pick<RoutedReplica, "container" | "address"> & {
  /** What is left of an earlier revision has no attachments. */
  service: RoutedReplica["service"] & Partial<Pick<RenderedService, "healthcheck">>;
};

/** Whom to ask whether they are ready: what runs, is to run, listens, and is not known to be unwell. */
export function probeTargets(namespace: string, seen: readonly SeenEnvironment[]): ProbeTarget[] {
  return seen
    .filter(({ spec }) => spec.desired === "running")
    .flatMap(({ replicas, canary = [], earlier = [] }) => [...replicas, ...canary, ...earlier])
    .flatMap(({ service, container, address }: Listener) =>
      container && address !== null && service.port !== null && container.health !== "unhealthy"
        ? [
            {
              id: container.id,
              namespace,
              address,
              port: service.port,
              path: service.readyPath,
              mute: service.attachment,
              // A database listens while it still recovers what a crash left, and turns everybody away.
              ...(service.attachment && container.health === "starting" && service.healthcheck
                ? { check: service.healthcheck.test }
                : {}),
            },
          ]
        : [],
    );
}

/** Containers of services, whatever they were made from; not what fills volumes. */
export function serviceContainers({ found }: Pick<SeenEnvironment, "found">): EngineContainer[] {
  return found.containers.filter((container) => !isFiller(container));
}

/** Docker's id as people and the control plane see it. */
export function shortId({ id }: Pick<EngineContainer, "id">): string {
  return id.slice(0, 12);
}

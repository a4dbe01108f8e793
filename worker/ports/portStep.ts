import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { publishedServices } from "../../core/ports.ts";
import type { EnvironmentObservation, ProjectSpec } from "../../core/projectSpec.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Log } from "../log.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { HostPort, PortHolder } from "./hostPorts.ts";

type WantedPort = HostPort & { kind: EnvironmentKind; service: string };

/** The host ports of a project and where each leads now. Pure. */
export function wantedPorts(seen: readonly SeenEnvironment[]): WantedPort[] {
  return seen
    .filter(({ spec }) => spec.desired !== "absent")
    .flatMap(({ spec, replicas }) =>
      Object.entries(spec.ports ?? {}).map(([service, port]) => {
        const replica = replicas.find(
          ({ service: of, address }) => of.service === service && address !== null,
        );
        const target = replica?.service.port ?? null;
        const backend = replica && target !== null ? { address: replica.address!, port: target } : null;
        return { kind: spec.kind, service, port, backend };
      }),
    );
}

/**
 * Binds a project's host ports. One that another program has is exchanged for another at the control plane.
 * @returns whether some were exchanged, so that the project is to be read anew; and why one could not be
 */
export async function portStep(
  {
    hostPorts,
    controlPlane,
    log,
  }: { hostPorts: PortHolder; controlPlane: Pick<ControlPlane, "reallocatePort">; log: Log },
  { projectId, namespace, slug }: ProjectSpec,
  seen: readonly SeenEnvironment[],
): Promise<{ exchanged: boolean; error: unknown }> {
  const unbound = await hostPorts.follow(namespace, wantedPorts(seen));
  let failure: unknown = null;
  for (const { wanted, error } of unbound) {
    const { kind, service, port } = wanted;
    const reason = `Port ${port} cannot be bound: ${error instanceof Error ? error.message : String(error)}`;
    log("port-taken", { project: slug, environment: kind, service, port, error });
    try {
      await controlPlane.reallocatePort(projectId, { kind, service, port, reason });
    } catch (refusal) {
      failure ??= refusal;
    }
  }
  return { exchanged: unbound.length > 0, error: failure };
}

/**
 * Whether some of the environments that are told to run still have ports that what they run does not publish any more:
 * the control plane takes those back as soon as it hears that, so what was read of the project is no longer so. Pure.
 */
export function losesPorts(
  { manifest, environments }: Pick<ProjectSpec, "manifest" | "environments">,
  told: readonly Pick<EnvironmentObservation, "kind" | "phase">[],
): boolean {
  const running = new Set(told.filter(({ phase }) => phase === "running").map(({ kind }) => kind));
  return environments.some(({ kind, ports, release }) => {
    const published = publishedServices(release?.manifest ?? manifest);
    return running.has(kind) && Object.keys(ports ?? {}).some((service) => !published.includes(service));
  });
}

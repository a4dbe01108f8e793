import { LABELS } from "../core/labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../core/lifecycle.ts";
import type { Engine, EngineContainer, EngineNetwork, EngineVolume, Owned } from "./engine/engine.ts";

/** What Docker held at one moment of what an instance owns, of one namespace or of all. */
export type Snapshot = {
  containers: EngineContainer[];
  networks: EngineNetwork[];
  volumes: EngineVolume[];
};

/** The value of `LABELS.role` on the volumes that hold releases' snapshots. */
export const SNAPSHOT_ROLE = "snapshot";

/** One look at Docker: three calls, whatever the number of objects. */
export async function observe(engine: Engine, owned: Owned): Promise<Snapshot> {
  const [containers, networks, volumes] = await Promise.all([
    engine.listContainers(owned),
    engine.listNetworks(owned),
    engine.listVolumes(owned),
  ]);
  return { containers, networks, volumes };
}

type Labelled = { labels: Record<string, string> };

export function isEmpty(snapshot: Snapshot): boolean {
  return snapshot.containers.length + snapshot.networks.length + snapshot.volumes.length === 0;
}

/** A snapshot of everything, taken apart by namespace. What belongs to no project (gateway, firewall) is left out. */
export function byNamespace(snapshot: Snapshot): Map<string, Snapshot> {
  const parts = new Map<string, Snapshot>();
  const part = ({ labels }: Labelled): Snapshot | undefined => {
    const namespace = labels[LABELS.namespace];
    if (!namespace) return undefined;
    const found = parts.get(namespace) ?? { containers: [], networks: [], volumes: [] };
    parts.set(namespace, found);
    return found;
  };
  for (const container of snapshot.containers) part(container)?.containers.push(container);
  for (const network of snapshot.networks) part(network)?.networks.push(network);
  for (const volume of snapshot.volumes) part(volume)?.volumes.push(volume);
  return parts;
}

/** The part of one environment; `null` for what says of itself that it is of none that there is. */
export function ofEnvironment(snapshot: Snapshot, kind: EnvironmentKind | null): Snapshot {
  const here = ({ labels }: Labelled) => environmentOf(labels) === kind;
  return {
    containers: snapshot.containers.filter(here),
    networks: snapshot.networks.filter(here),
    volumes: snapshot.volumes.filter(here),
  };
}

function environmentOf(labels: Record<string, string>): EnvironmentKind | null {
  return ENVIRONMENT_KINDS.find((kind) => kind === labels[LABELS.environment]) ?? null;
}

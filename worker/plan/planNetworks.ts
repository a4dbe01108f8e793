import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { RenderedNetwork } from "../../core/render/rendered.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import type { RunningInput } from "./planRunning.ts";

/**
 * A container that stands still stays bound to the network that it ran on: where that one is gone, it cannot start, even
 * on another of that name, before it is connected again.
 */
export function withoutLostNetworks(
  container: EngineContainer,
  { rendered, found, shared }: Pick<RunningInput, "rendered" | "found" | "shared">,
): EngineContainer {
  const isThere = (name: string, id: string) =>
    shared.get(name) === id || found.networks.some((network) => network.id === id);
  const isLost = (name: string, address: string | null) => {
    const id = container.networkIds?.[name];
    const isOurs = shared.has(name) || rendered.networks.some((network) => network.name === name);
    return isOurs && address === null && id !== undefined && !isThere(name, id);
  };
  const networks = Object.entries(container.networks).filter(([name, address]) => !isLost(name, address));
  return { ...container, networks: Object.fromEntries(networks) };
}

/** @returns by network name the operation that makes it; nothing for those that are there and right */
export function planNetworks(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  wanted: readonly RenderedNetwork[],
  found: Snapshot,
  removals: Map<string, string>,
  removeContainer: (name: string, cause: string) => void,
): Map<string, string> {
  const made = new Map<string, string>();
  for (const network of wanted) {
    const [present, ...doubles] = found.networks.filter(({ name }) => name === network.name);
    const problem = present && networkProblem(network, present);
    const cause = problem ?? "Docker has two of that name";
    const wrong = [...(problem ? [present] : []), ...doubles];
    if (wrong.length > 0) {
      for (const { name, networks } of found.containers) {
        if (network.name in networks && !removals.has(name))
          removeContainer(name, `its network is to go: ${cause}`);
      }
    }
    const gone = wrong.map(({ id, name }) =>
      plan.add(kind, { do: "remove network", target: name, networkId: id }, cause, [...removals.values()]),
    );
    if (!present || problem) {
      const why = problem ?? `${kind} is to run and has no such network`;
      made.set(
        network.name,
        plan.add(kind, { do: "create network", target: network.name, network }, why, gone),
      );
    }
  }
  const names = new Set(wanted.map(({ name }) => name));
  // Containers of an earlier revision may be on a network that the next one has no need of.
  const used = new Set(
    found.containers
      .filter(({ name }) => !removals.has(name))
      .flatMap(({ networks }) => Object.keys(networks)),
  );
  for (const { name, id } of found.networks.filter(({ name }) => !names.has(name) && !used.has(name))) {
    plan.add(
      kind,
      { do: "remove network", target: name, networkId: id },
      `${kind} has no such network any more`,
      [...removals.values()],
    );
  }
  return made;
}

function networkProblem(
  wanted: RenderedNetwork,
  { subnet, internal }: { subnet: string | null; internal: boolean },
) {
  if (wanted.subnet && subnet !== wanted.subnet) return `its subnet is ${subnet}, not ${wanted.subnet}`;
  if (internal !== wanted.internal) return wanted.internal ? "it is not internal" : "it is internal";
  return null;
}

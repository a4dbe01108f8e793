import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { RenderedEnvironment, RenderedNetwork, RenderedService } from "../../core/render/rendered.ts";
import type { ReleaseSpec } from "../../core/projectSpec.ts";
import type { ContainerPlan, EngineContainer } from "../engine/engine.ts";
import type { Fate } from "../rollout/fates.ts";
import { isRolled, isRolledContainer, reachLabels, replicaName } from "../rollout/replicas.ts";
import { helpersOf, isFiller, MADE_BY_MOUNT } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import { planEarlier } from "./planEarlier.ts";
import { planFillLeft, planVolume, type PlannedVolume } from "./planFill.ts";
import { planGrowth } from "./planGrowth.ts";
import { planOldWorkspaces } from "./planOldWorkspaces.ts";

export type RunningInput = {
  namespace: string;
  rendered: RenderedEnvironment;
  /** What there is of this environment. */
  found: Snapshot;
  /** Filled volumes of the whole project: by name what they are filled as. */
  filledVolumes: ReadonlyMap<string, string | null>;
  attempt: string;
  /** What it runs; null: no release. */
  release: ReleaseSpec | null;
  missingImages: ReadonlySet<string>;
  /** Containers that must not run now, by name, and why: they crash in a loop. */
  held: ReadonlyMap<string, string>;
  /** Containers that answer, by name; null: those that Docker calls healthy. */
  answering: ReadonlySet<string> | null;
  /** What services wait for besides the environment's own attachments; null: nothing. */
  awaited: string | null;
  /** The group's networks: by name Docker's id. */
  shared: ReadonlyMap<string, string>;
  /** By name what becomes of containers of earlier revisions; those that are not in it go. */
  fates: ReadonlyMap<string, Fate>;
};

/** Makes what is missing, replaces what is different, starts what stands still. */
export function planRunning(plan: PlanBuilder, input: RunningInput): void {
  const { rendered, found, namespace, release } = input;
  const { kind } = rendered;
  const services = [...rendered.services, ...(rendered.canary ?? [])];
  const wanted = new Map(
    services.flatMap((service) =>
      Array.from({ length: service.replicas }, (_, index) => {
        const name = replicaName(namespace, kind, service, index + 1);
        return [name, { service, replica: index + 1 }] as const;
      }),
    ),
  );
  const present = new Map(
    found.containers.map((container) => [container.name, withoutLostNetworks(container, input)]),
  );

  const removals = new Map<string, string>();
  const remove = (name: string, cause: string) => {
    const id = plan.add(kind, { do: "remove container", target: name }, cause);
    removals.set(name, id);
    return id;
  };
  const helpers = new Set(rendered.volumes.flatMap(({ name }) => helpersOf(name, found.containers)));
  for (const container of found.containers) {
    if (isFiller(container)) {
      // The mark of what it filled stays with the volume, whose content does not count: it may be wanted again.
      if (!helpers.has(container)) remove(container.name, `${kind} has no use for what it fills any more`);
      continue;
    }
    const match = wanted.get(container.name);
    // What it should be is known once its image has been looked at.
    if (match?.service.volumesUnknown) continue;
    if (match && isSameTest(match.service, container, release)) continue;
    if (!match && isRolledContainer(container)) {
      const fate = input.fates.get(container.name) ?? "remove";
      const removed = planEarlier(plan, kind, container, fate);
      if (removed !== null) removals.set(container.name, removed);
    } else if (!match) remove(container.name, `${kind} has no such service any more`);
    else if (container.labels[LABELS.configHash] !== match.service.configHash) {
      remove(container.name, `its configuration changed`);
    } else if (container.state === "dead" || container.state === "removing") {
      remove(container.name, `Docker calls it ${container.state}`);
    }
  }

  const networks = planNetworks(plan, kind, rendered.networks, found, removals, remove);
  const pulls = planPulls(plan, rendered, input.missingImages);
  const volumes = new Map(
    rendered.volumes.map((volume) => {
      const user = services.find(
        (service) =>
          service.mounts.some((mount) => mount.volume === volume.name) && !isTestOver(service, release),
      );
      const planned =
        user &&
        !user.volumesUnknown &&
        planVolume(plan, {
          ...{ kind, volume, user, attempt: input.attempt, remove },
          found: usedBy(found, rendered, volume.name),
          filled: input.filledVolumes,
          imagePulled: pulls.get(user.image) ?? null,
        });
      if (!user) planFillLeft(plan, kind, volume.name, found);
      return [volume.name, planned || null];
    }),
  );

  planOldWorkspaces(plan, rendered, found, removals);

  const staying = [...wanted].flatMap(([name, { service }]) => {
    const container = removals.has(name) ? undefined : present.get(name);
    return container ? [{ service, container }] : [];
  });
  const growths = rendered.volumes.flatMap(
    (volume) => planGrowth(plan, kind, volume, found, staying, [...removals.values()]) ?? [],
  );

  const silent = input.awaited ?? silentAttachment(wanted, present, removals, input.answering);
  const putters = new Map<string, string>();
  for (const [name, { service, replica }] of wanted) {
    if (service.volumesUnknown) continue;
    const starts = service.attachment || silent === null;
    const held = input.held.get(name);
    const mounted = service.mounts.flatMap(({ volume }) => volumes.get(volume) ?? []);
    const container = removals.has(name) ? undefined : present.get(name);
    if (container) {
      const grown = growths.filter(({ users }) => users.has(name)).map((growth) => growth.grown);
      planPresent(plan, kind, service, container, networks, { mounted, grown, starts, putters }, held);
    } else if (held === undefined && !isTestOver(service, release)) {
      planMissing(plan, kind, service, containerPlan(kind, name, service, replica), {
        before: [
          removals.get(name) ?? null,
          pulls.get(service.image) ?? null,
          ...mounted.flatMap(({ made }) => made),
          ...growths.map(({ grown }) => grown),
        ],
        networks,
        mounted,
        starts,
        putters,
      });
    }
  }
}

/**
 * The first attachment that does not answer, and so that services wait for before they start; null: none. What runs
 * already goes on: an attachment that comes back finds its clients where they were.
 */
function silentAttachment(
  wanted: ReadonlyMap<string, { service: RenderedService }>,
  present: ReadonlyMap<string, EngineContainer>,
  removals: ReadonlyMap<string, string>,
  answering: ReadonlySet<string> | null,
): string | null {
  for (const [name, { service }] of wanted) {
    if (!service.attachment) continue;
    const container = removals.has(name) ? undefined : present.get(name);
    const well = container?.state === "running" && ["healthy", "none"].includes(container.health);
    if (answering ? !answering.has(name) || !container : !well) return service.service;
  }
  return null;
}

/** @returns by image the operation that brings it; nothing for those that are there */
export function planPulls(
  plan: PlanBuilder,
  { kind, services }: RenderedEnvironment,
  missingImages: ReadonlySet<string>,
): Map<string, string> {
  return new Map(
    [...new Set(services.map(({ image }) => image))]
      .filter((image) => missingImages.has(image))
      .map((image) => [
        image,
        plan.add(kind, { do: "pull image", target: image }, "this host does not have it"),
      ]),
  );
}

/** Tests run once for each release: what was changed meanwhile is for the next one. */
function isSameTest(
  service: RenderedService,
  { labels, state }: EngineContainer,
  release: ReleaseSpec | null,
): boolean {
  if (!service.job || !release || labels[LABELS.release] !== String(release.number)) return false;
  return release.result !== null || state === "running" || state === "paused" || state === "exited";
}

function isTestOver({ job }: RenderedService, release: ReleaseSpec | null): boolean {
  return job && release !== null && release.result !== null;
}

/**
 * A container that stands still stays bound to the network that it ran on: where that one is gone, it cannot start, even
 * on another of that name, before it is connected again.
 */
function withoutLostNetworks(
  container: EngineContainer,
  { rendered, found, shared }: RunningInput,
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

/** Without the containers of services that do not use `volume`: what they did says nothing of it. */
function usedBy(found: Snapshot, { services }: RenderedEnvironment, volume: string): Snapshot {
  const others = new Set(
    services
      .filter(({ mounts }) => !mounts.some((mount) => mount.volume === volume))
      .map(({ service }) => service),
  );
  const containers = found.containers.filter(
    (container) => isFiller(container) || !others.has(container.labels[LABELS.service] ?? ""),
  );
  return { ...found, containers };
}

/** @returns by network name the operation that makes it; nothing for those that are there and right */
function planNetworks(
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

function planMissing(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  service: RenderedService,
  container: ContainerPlan,
  {
    before,
    networks,
    mounted,
    starts,
    putters,
  }: {
    before: (string | null)[];
    networks: ReadonlyMap<string, string>;
    mounted: readonly PlannedVolume[];
    /** Whether nothing is waited for before it starts. */
    starts: boolean;
    putters: Map<string, string>;
  },
): void {
  const { name } = container;
  const cause = `${kind} is to run and has no such container`;
  const madeBy = (network: { name: string }) => networks.get(network.name) ?? null;
  const created = plan.add(kind, { do: "create container", target: name, container }, cause, [
    ...before,
    ...service.networks.slice(0, 1).map(madeBy),
  ]);
  const connected = service.networks
    .slice(1)
    .map((network) =>
      plan.add(
        kind,
        { do: "connect", target: name, network: network.name, aliases: network.aliases },
        "it is made on one network only",
        [created, madeBy(network)],
      ),
    );
  if (!starts) return;
  plan.add(kind, { do: "start container", target: name }, `${kind} is to run`, [
    created,
    ...connected,
    ...planFirstStart(plan, kind, service, name, mounted, putters, [created]),
  ]);
}

/**
 * @param putters by folder the container that puts a starter there: one of its replicas, before any of them starts
 * @returns what makes sure, before a container is first started, that it starts on what was planned for, and finds its
 *   folder where the service was added to a workspace that is in use
 */
function planFirstStart(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  { workingDir }: RenderedService,
  target: string,
  mounted: readonly PlannedVolume[],
  putters: Map<string, string>,
  after: string[],
): string[] {
  return mounted.flatMap(({ expected, filled, begunAs }) => {
    const confirmed = plan.add(
      kind,
      { do: "confirm filled", target, expected },
      `${target} was never started`,
      [...after, ...filled],
    );
    // Test and deploy run copies, and what those lack the project lacks.
    const starter =
      kind === "dev" &&
      begunAs.find((fill) => fill.from === "starter" && `${WORKSPACE}/${fill.folder}` === workingDir);
    if (!starter || starter.from !== "starter") return [confirmed];
    const { stack, folder } = starter;
    const putter = putters.get(folder) ?? target;
    putters.set(folder, putter);
    const cause = `${expected.volume} may be older than ${putter}`;
    const put = plan.add(kind, { do: "put missing starter", target: putter, stack, folder }, cause, [
      confirmed,
    ]);
    return putter === target ? [put] : [confirmed, put];
  });
}

function planPresent(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  service: RenderedService,
  container: EngineContainer,
  networks: ReadonlyMap<string, string>,
  {
    mounted,
    grown,
    starts,
    putters,
  }: { mounted: readonly PlannedVolume[]; grown: string[]; starts: boolean; putters: Map<string, string> },
  held: string | undefined,
): void {
  const { name, state } = container;
  if (held !== undefined) {
    if (state === "running" || state === "restarting") {
      plan.add(kind, { do: "stop container", target: name, graceMs: service.stopGraceMs }, held);
    }
    return;
  }
  const connected = service.networks
    .filter((network) => !(network.name in container.networks))
    .map((network) =>
      plan.add(
        kind,
        { do: "connect", target: name, network: network.name, aliases: network.aliases },
        "it is not connected",
        [networks.get(network.name) ?? null],
      ),
    );
  const before = [
    ...connected,
    ...mounted.flatMap(({ filled }) => filled),
    ...grown,
    ...service.networks.map((network) => networks.get(network.name) ?? null),
  ];
  if (grown.length > 0 && state !== "created" && state !== "exited") {
    const cause = `${kind} is to run, and it was stopped for its volume to grow`;
    plan.add(kind, { do: "start container", target: name }, cause, before);
    return;
  }
  switch (state) {
    case "created":
      if (!starts) break;
      plan.add(kind, { do: "start container", target: name }, `${kind} is to run, and it was never started`, [
        ...before,
        ...planFirstStart(plan, kind, service, name, mounted, putters, []),
      ]);
      break;
    case "exited":
      if (service.job || !starts) break;
      plan.add(
        kind,
        { do: "start container", target: name },
        `${kind} is to run, and it ended with ${container.exitCode ?? "no exit code"}`,
        before,
      );
      break;
    case "paused":
      plan.add(
        kind,
        { do: "unpause container", target: name },
        `${kind} is to run, and it is paused`,
        before,
      );
      break;
    case "running":
    case "restarting":
    case "removing":
    case "dead":
      break;
  }
}

function containerPlan(
  kind: EnvironmentKind,
  name: string,
  service: RenderedService,
  replica: number,
): ContainerPlan {
  const {
    [LABELS.instance]: instance,
    [LABELS.project]: project,
    [LABELS.namespace]: namespace,
  } = service.labels;
  const owner = { [LABELS.instance]: instance!, [LABELS.project]: project!, [LABELS.namespace]: namespace! };
  return {
    ...service,
    name,
    volumeLabels: { ...owner, [LABELS.environment]: kind, [LABELS.filling]: MADE_BY_MOUNT },
    labels: {
      ...service.labels,
      [LABELS.replica]: String(replica),
      [LABELS.configHash]: service.configHash,
      ...(isRolled(kind, service) ? reachLabels(service) : {}),
      "com.docker.compose.container-number": String(replica),
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.config-hash": service.configHash,
    },
  };
}

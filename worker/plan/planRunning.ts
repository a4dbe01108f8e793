import { LABELS } from "../../core/labels.ts";
import type { RenderedEnvironment, RenderedService } from "../../core/render/rendered.ts";
import type { ReleaseSpec } from "../../core/projectSpec.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Fate } from "../rollout/fates.ts";
import { isRolledContainer, replicaName } from "../rollout/replicas.ts";
import { helpersOf, isFiller } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import { containerPlan, planMissing, planPresent } from "./planContainers.ts";
import { planEarlier } from "./planEarlier.ts";
import { planFillLeft, planVolume } from "./planFill.ts";
import { planGrowth } from "./planGrowth.ts";
import { planNetworks, withoutLostNetworks } from "./planNetworks.ts";
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

import type { Doc } from "../../convex/_generated/dataModel.d.ts";
import { LABELS } from "../../core/labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { GroupSpec } from "../../core/projectSpec.ts";
import type { RenderedEnvironment } from "../../core/render/rendered.ts";
import { renderGroup } from "../../core/render/render.ts";
import { isRunning, type FakeContainer, type FakeNetwork, type FakeVolume } from "./engineObjects.ts";
import { REGISTRATION } from "./fakeControlPlane.ts";
import { ATTACHMENTS, volumesOf } from "./imageCatalog.ts";
import { environmentsOf, groupsOf, membersOf } from "./rows.ts";
import { TEMPLATE, type World } from "./world.ts";

type Violate = (what: string) => void;
type Objects = { containers: FakeContainer[]; networks: FakeNetwork[]; volumes: FakeVolume[] };

/** What groups have in the end: as much as the member that wants most, and nothing once nobody does. */
export function checkGroups(world: World, specs: ReadonlyMap<string, GroupSpec>, violate: Violate): void {
  for (const group of groupsOf(world)) {
    checkSubnets(world, group, violate);
    const spec = specs.get(group.namespace);
    for (const kind of ENVIRONMENT_KINDS)
      checkKind(group, spec, kind, objectsOf(world, group, kind), violate);
  }
}

function objectsOf(world: World, { namespace }: Doc<"groups">, kind: EnvironmentKind): Objects {
  const here = <T extends { labels: Record<string, string> }>(objects: ReadonlyMap<string, T>): T[] =>
    [...objects.values()].filter(
      ({ labels }) =>
        labels[LABELS.instance] === REGISTRATION.instanceId &&
        labels[LABELS.namespace] === namespace &&
        labels[LABELS.environment] === kind,
    );
  const { containers, networks, volumes } = world.engine;
  return { containers: here(containers), networks: here(networks), volumes: here(volumes) };
}

/** @param spec not given: no member of it lives on a host, though one may have, and what it shared stays for the others */
function checkKind(
  { name: group, hostId }: Doc<"groups">,
  spec: GroupSpec | undefined,
  kind: EnvironmentKind,
  found: Objects,
  violate: Violate,
): void {
  const name = `the group ${group} ${kind}`;
  const desired = spec?.desired[kind] ?? "absent";
  switch (desired) {
    case "absent": {
      for (const { name: left } of [...found.containers, ...found.networks])
        violate(`${name} is absent, but ${left} is there`);
      const isKept = hostId !== undefined && kind !== "test";
      if (!isKept)
        for (const { name: left } of found.volumes) violate(`${name} is absent, but ${left} is kept`);
      break;
    }
    case "hibernated":
      for (const container of found.containers.filter(isRunning))
        violate(`${name} hibernates, but ${container.name} is ${container.state}`);
      break;
    case "running": {
      const of = rendered(spec!, kind);
      if (of) checkRunning(name, of, found, violate);
      break;
    }
  }
}

function rendered(group: GroupSpec, kind: EnvironmentKind): RenderedEnvironment | null {
  const { project } = renderGroup({
    ...{ group, attachments: ATTACHMENTS, kinds: [kind], template: TEMPLATE },
    imageVolumes: Object.fromEntries(group.attachments.map(({ image }) => [image, volumesOf(image)])),
    instanceId: REGISTRATION.instanceId,
  });
  return project.environments.find((environment) => environment.kind === kind) ?? null;
}

function checkRunning(name: string, of: RenderedEnvironment, found: Objects, violate: Violate): void {
  const networks = of.networks
    .map((network) => `${network.name} ${network.subnet} ${network.internal}`)
    .sort();
  const there = found.networks
    .map((network) => `${network.name} ${network.subnet} ${network.internal}`)
    .sort();
  if (networks.join() !== there.join())
    violate(`${name} is to have networks ${networks.join("; ")}, and has ${there.join("; ")}`);
  for (const service of of.services) {
    const [container, ...more] = found.containers.filter(
      ({ labels }) => labels[LABELS.service] === service.service && labels[LABELS.role] !== "fill",
    );
    if (!container || more.length > 0) {
      violate(`${name} has ${more.length + (container ? 1 : 0)} of ${service.service}`);
      continue;
    }
    if (container.labels[LABELS.configHash] !== service.configHash)
      violate(`${container.name} is an old one`);
    if (container.state !== "running" || !container.listening)
      violate(`${container.name} is ${container.state}${container.listening ? "" : " and does not listen"}`);
  }
  const wanted = new Set(of.services.map(({ service }) => service));
  for (const { name: stray, labels } of found.containers)
    if (!wanted.has(labels[LABELS.service] ?? "")) violate(`${name} has ${stray}, which nobody wants`);
  for (const { name: volume } of of.volumes)
    if (!found.volumes.some((one) => one.name === volume)) violate(`${name} has no ${volume}`);
}

function checkSubnets(world: World, group: Doc<"groups">, violate: Violate): void {
  const members = membersOf(world, group);
  for (const kind of ENVIRONMENT_KINDS) {
    const isUsed = members.some((member) =>
      environmentsOf(world, member).some((row) => row.kind === kind && row.subnet !== undefined),
    );
    const subnet = group.subnets[kind];
    if (isUsed !== (subnet !== undefined))
      violate(`the group ${group.name} has ${subnet ?? "no subnet"} for its members' ${kind}`);
  }
}

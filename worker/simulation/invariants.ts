import type { Doc } from "../../convex/_generated/dataModel.d.ts";
import { LABELS } from "../../core/labels.ts";
import { hasStatusPage } from "../../core/lifecycle.ts";
import { hasRoute } from "../../core/manifest.ts";
import { volumeName } from "../../core/naming.ts";
import type { GroupSpec, ProjectSpec, ReleaseSpec } from "../../core/projectSpec.ts";
import { hasPassed } from "../../core/releases.ts";
import type { RenderedEnvironment, RenderedService } from "../../core/render/rendered.ts";
import { overlaps, parseCidr } from "../../core/subnets.ts";
import { declaredVolumes } from "../attachments/attaching.ts";
import { filledVolumes, isMadeByMount } from "../filling/marks.ts";
import { renderWanted } from "../renderWanted.ts";
import { checkCounts } from "./counts.ts";
import { isRunning, type FakeContainer } from "./engineObjects.ts";
import { intern, REGISTRATION } from "./fakeControlPlane.ts";
import { checkGroups } from "./groupInvariants.ts";
import { ATTACHMENTS, STACKS, volumesOf } from "./imageCatalog.ts";
import type { People } from "./people.ts";
import { environmentsOf, groupsOf, manifestOf, membersOf, observationsOf, projectsOf } from "./rows.ts";
import { TEMPLATE, type World } from "./world.ts";

type Project = Doc<"projects">;
type Environment = Doc<"environments">;
type Labelled = { labels: Record<string, string> };
type Named = Labelled & { name: string };

const NO_IMAGE = "there is no image";

/** What has to be true once nothing has gone wrong for long enough; everything that is not goes to `violate`. */
export async function checkEnd(
  world: World,
  people: People,
  violate: Violate = (what) => world.watcher.violate(`in the end: ${what}`),
): Promise<void> {
  const ends = await endsOf(world);
  for (const { project } of ends) if (project.status === "deleting") violate(`${project.slug} is not gone`);
  for (const end of ends) checkEnvironment(world, end, violate);
  checkGroups(
    world,
    new Map(ends.flatMap(({ group }) => (group ? [[group.namespace, group]] : []))),
    violate,
  );
  checkCounts(world, violate);
  checkPorts(world, ends, violate);
  for (const row of world.server.database.all("inbox")) {
    violate(`the inbox still has ${String(row.projectId)} ${String(row.kind)} at ${String(row.generation)}`);
  }
  checkOwners(world, violate);
  checkAllocations(world, violate);
  checkRoutes(world, ends, violate);
  for (const { what, isThere } of people.foreign) if (!isThere()) violate(`the foreign ${what} was touched`);
  if (world.supervisor.processes.size !== 1) violate(`${world.supervisor.processes.size} workers are alive`);
}

/** An environment as it is wanted in the end. */
export type End = {
  project: Project;
  environment: Environment;
  /** What it runs, where that is a release. */
  release: ReleaseSpec | null;
  /** Null where it is not to run, or cannot be rendered. */
  rendered: RenderedEnvironment | null;
  /** What it shares with others, where it lives on a host. */
  group: GroupSpec | null;
  /** Why it cannot be as it should, for a cause that is still there. */
  hindrance: string | null;
};

/** Every environment, with what the worker is told of it, rendered as the worker renders it. */
export async function endsOf(world: World): Promise<End[]> {
  const all = projectsOf(world).map(async (project): Promise<End[]> => {
    const ask = { hostId: project.hostId ?? "none", projectId: project._id };
    const told = project.hostId
      ? await world.server.call<ProjectSpec | null>("worker:project", ask, "worker")
      : null;
    const spec = told && intern(told);
    const { project: rendered, error } = spec
      ? renderWanted({
          ...{ spec, stacks: STACKS, template: TEMPLATE, instanceId: REGISTRATION.instanceId },
          attachments: ATTACHMENTS,
          imageVolumes: await declaredVolumes(spec, ATTACHING, { volumesOf: (of) => declaredBy(world, of) }),
        })
      : { project: null, error: null };
    return environmentsOf(world, project).map((environment) => {
      const of = rendered?.environments.find(({ kind }) => kind === environment.kind) ?? null;
      const release = spec?.environments.find(({ kind }) => kind === environment.kind)?.release ?? null;
      const end = { project, environment, release, rendered: of, group: spec?.group ?? null };
      return { ...end, hindrance: hindranceOf(world, end, error) };
    });
  });
  return (await Promise.all(all)).flat();
}

const ATTACHING = { definitions: ATTACHMENTS, credentials: async () => "" };

/** As Docker tells it of the images that it has. */
async function declaredBy({ engine }: World, images: Iterable<string>): Promise<Record<string, string[]>> {
  const here = [...images].filter((image) => engine.images.has(image));
  return Object.fromEntries(here.map((image) => [image, volumesOf(image)]));
}

function hindranceOf(
  world: World,
  { project, environment, release, rendered }: Omit<End, "hindrance">,
  error: unknown,
): string | null {
  if (environment.desired !== "running") return null;
  if (!rendered) return `it cannot be rendered: ${String(error)}`;
  const { images, registry } = world.engine;
  const missing = rendered.services.find(({ image }) => !images.has(image) && !registry.has(image));
  if (missing) return `${NO_IMAGE} ${missing.image}`;
  // People may override every guard: then there may be nothing to make a release of.
  const workspace = volumeName(project.namespace, "dev", "workspace");
  const isFilled = filledVolumes({ volumes: [...world.engine.volumes.values()] }).has(workspace);
  const waits = release !== null && release.snapshot === null && release.result === null;
  return waits && !isFilled ? "there is no dev workspace to make a release of" : null;
}

type Violate = (what: string) => void;

function checkEnvironment(world: World, end: End, violate: Violate): void {
  const { project, environment, release, rendered, hindrance: cause } = end;
  const { kind, desired, generation } = environment;
  const name = `${project.slug} ${kind}`;
  const here = <T extends Labelled>(objects: Iterable<T>): T[] =>
    [...objects].filter(
      ({ labels }) =>
        labels[LABELS.instance] === REGISTRATION.instanceId &&
        labels[LABELS.namespace] === project.namespace &&
        labels[LABELS.environment] === kind,
    );
  const containers = here(world.engine.containers.values());
  const networks = here(world.engine.networks.values());
  const volumes = here(world.engine.volumes.values());
  const leftFill = [...containers, ...volumes].filter(({ labels }) => labels[LABELS.role] === "fill");
  const seen = observationsOf(world, project).find((row) => row.kind === kind);
  let phase: string = desired;

  switch (desired) {
    case "absent":
      for (const { name: left } of [...containers, ...networks])
        violate(`${name} is absent, but ${left} is there`);
      if (!environment.keepVolumes) {
        for (const { name: left } of volumes) violate(`${name} keeps no volumes, but ${left} is there`);
      }
      break;
    case "hibernated":
      for (const container of containers.filter(isRunning)) {
        violate(`${name} hibernates, but ${container.name} is ${container.state}`);
      }
      break;
    case "running": {
      if (
        rendered &&
        checkRunning(world, name, rendered, release, { containers, networks, volumes }, cause, violate)
      ) {
        phase = "failed";
      }
      if (cause) phase = "failed";
      else {
        const isLeft = (one: Named) => !rendered || !isMarkOfLetGo(one, rendered);
        for (const { name: left } of leftFill.filter(isLeft)) violate(`${name} runs, but ${left} is left`);
      }
      break;
    }
  }
  if (!seen) {
    if (desired !== "absent" && project.hostId) violate(`${name} is to be ${desired} and was never reported`);
    return;
  }
  // An image that is nowhere is tried again every minute or two, and that is said while it lasts.
  const isTriedAgain = cause?.startsWith(NO_IMAGE) && /: being pulled\.$/.test(seen.message ?? "");
  if (seen.phase !== phase && !isTriedAgain) {
    violate(
      `${name} is ${phase}, and reported as ${seen.phase}: ${seen.message || JSON.stringify(seen.conditions)}`,
    );
  }
  if (seen.observedGeneration !== generation) {
    violate(`${name} is at generation ${generation}, and reported at ${seen.observedGeneration}`);
  }
  const reported = seen.services.map(({ containerId }) => containerId).sort();
  const real = containers
    .filter(({ labels }) => labels[LABELS.role] !== "fill")
    .map(({ id }) => id.slice(0, 12))
    .sort();
  if (reported.join() !== real.join())
    violate(`${name} is reported with containers ${reported}, and has ${real}`);
}

/**
 * What was let go while it was being filled keeps its volume, and so what says that the volume's content does not count,
 * whether the call that makes it has come yet or not.
 */
function isMarkOfLetGo({ name, labels }: Named, { volumes }: RenderedEnvironment): boolean {
  // What a release began with is in its snapshot, and is not kept for later; what Docker made says nothing.
  if (labels[LABELS.release] !== undefined || isMadeByMount({ labels })) return false;
  const [, of] = /^(.+)_unfilled(?:_[a-z0-9]+)?$/.exec(name) ?? [];
  return of !== undefined && !volumes.some((volume) => volume.name === of);
}

type Found = {
  containers: FakeContainer[];
  networks: { name: string; id: string; subnet: string | null; internal: boolean }[];
  volumes: { name: string }[];
};

/** @returns whether its tests failed */
function checkRunning(
  world: World,
  name: string,
  rendered: RenderedEnvironment,
  release: ReleaseSpec | null,
  found: Found,
  cause: string | null,
  violate: Violate,
): boolean {
  const byService = new Map(rendered.services.map((service) => [service.service, service]));
  for (const { name: stray, labels } of found.containers) {
    const wanted = byService.has(labels[LABELS.service] ?? "");
    if (!wanted && labels[LABELS.role] !== "fill") violate(`${name} has ${stray}, which nobody wants`);
  }
  const isTested = rendered.kind === "test" && release?.result != null;
  let testsFailed = isTested && !hasPassed(release!.result!);
  for (const service of rendered.services) {
    const replicas = found.containers.filter(({ labels }) => labels[LABELS.service] === service.service);
    const numbers = new Set(replicas.map(({ labels }) => labels[LABELS.replica]));
    if (replicas.length !== numbers.size || replicas.length > service.replicas) {
      violate(`${name} has too many of ${service.service}: ${replicas.map((one) => one.name).join(", ")}`);
    }
    if (replicas.length < service.replicas && !cause && !isTested) {
      violate(`${name} has ${replicas.length} of ${service.replicas} replicas of ${service.service}`);
    }
    for (const container of replicas) {
      const is = `${container.name} is ${container.state}`;
      if (service.job) {
        // It ran what it was made for; what is wanted of a later run does not count for it. What its attachments lack,
        // it waits for.
        if (container.state !== "exited" && !cause) violate(is);
        if (container.exitCode !== 0 && !isTested) testsFailed = true;
        continue;
      }
      if (container.labels[LABELS.configHash] !== service.configHash)
        violate(`${container.name} is an old one`);
      if (container.state !== "running" || !container.listening) {
        if (!cause) violate(`${is}${container.listening ? "" : " and does not listen"}`);
        continue;
      }
      checkEndpoints(world, container, service, violate);
    }
  }
  const networks = rendered.networks
    .map(({ name, subnet, internal }) => `${name} ${subnet} ${internal}`)
    .sort();
  const there = found.networks.map(({ name, subnet, internal }) => `${name} ${subnet} ${internal}`).sort();
  if (!cause && networks.join() !== there.join())
    violate(`${name} is to have networks ${networks.join("; ")}, and has ${there.join("; ")}`);
  if (!cause) {
    for (const volume of rendered.volumes) {
      if (!isTested && !found.volumes.some((one) => one.name === volume.name))
        violate(`${name} has no ${volume.name}`);
    }
  }
  return testsFailed;
}

function checkEndpoints(
  { engine }: World,
  container: FakeContainer,
  service: RenderedService,
  violate: Violate,
): void {
  const { name } = container;
  const wanted = service.networks.map((network) => network.name).sort();
  const there = [...container.endpoints.keys()].sort();
  if (wanted.join() !== there.join()) violate(`${name} is to be on ${wanted}, and is on ${there}`);
  for (const [network, endpoint] of container.endpoints) {
    if (endpoint.address === null || engine.networks.get(endpoint.networkId ?? "")?.name !== network) {
      violate(`${name} is not really on ${network}`);
    }
  }
}

function checkOwners(world: World, violate: Violate): void {
  const groups = groupsOf(world).filter((group) => membersOf(world, group).length > 0);
  const owned = new Set([...projectsOf(world), ...groups].map(({ namespace }) => namespace));
  const { containers, networks, volumes } = world.engine;
  for (const { name, labels } of [...containers.values(), ...networks.values(), ...volumes.values()]) {
    if (labels[LABELS.instance] !== REGISTRATION.instanceId) continue;
    const namespace = labels[LABELS.namespace];
    if (namespace && !owned.has(namespace)) violate(`the orphan ${name} is left`);
  }
}

function checkAllocations(world: World, violate: Violate): void {
  const { database } = world.server;
  const environments = projectsOf(world).flatMap((project) => environmentsOf(world, project));
  const wanted = [
    ...environments.flatMap(({ subnet, egressSubnet }) => [subnet, egressSubnet]),
    ...groupsOf(world).flatMap(({ subnets }) => Object.values(subnets)),
  ].filter(Boolean);
  const used = database.all("subnets").filter(({ state }) => state === "used");
  if (
    used
      .map(({ cidr }) => cidr)
      .sort()
      .join() !== [...wanted].sort().join()
  ) {
    violate(`subnets in use: ${used.map(({ cidr }) => cidr)}; of environments: ${wanted}`);
  }
  for (const { cidr, reason } of database.all("subnets").filter(({ state }) => state === "setAside")) {
    const block = parseCidr(cidr as string);
    if (!world.watcher.foreignSubnets.some((foreign) => overlaps(parseCidr(foreign), block))) {
      violate(`the subnet ${String(cidr)} is lost, and nobody else ever had it: ${String(reason)}`);
    }
  }
  const ports = database.all("ports").filter(({ state }) => state === "used");
  for (const { port, reason } of database.all("ports").filter(({ state }) => state === "setAside")) {
    if (world.ports.refused.has(port as number)) continue;
    violate(`port ${String(port)} is lost, and nobody else ever had it: ${String(reason)}`);
  }
  const published = environments.flatMap(({ ports }) => Object.values(ports ?? {}));
  if (
    ports
      .map(({ port }) => port)
      .sort()
      .join() !== [...published].sort().join()
  ) {
    violate(`ports in use: ${ports.map(({ port }) => port)}; of environments: ${published}`);
  }
  for (const { kind, desired, subnet, egressSubnet, ports } of environments) {
    if (desired !== "absent") continue;
    const left = [subnet, egressSubnet, ...Object.values(ports ?? {})].filter((value) => value !== undefined);
    if (left.length > 0) violate(`an absent ${kind} still has ${left.join(", ")}`);
  }
}

/** Each port that is an environment's is listened at, and leads to a container of its own, or nowhere. */
function checkPorts(world: World, ends: readonly End[], violate: Violate): void {
  const [worker] = world.supervisor.processes;
  const left = new Set(worker?.ports.listeners.keys());
  for (const { project, environment, rendered, hindrance } of ends) {
    for (const [service, port] of Object.entries(environment.ports ?? {})) {
      const name = `${project.slug} ${environment.kind} ${service}`;
      const listener = worker?.ports.listeners.get(port);
      left.delete(port);
      if (listener?.namespace !== project.namespace) {
        violate(`nobody listens at ${port} for ${name}`);
        continue;
      }
      const { backend } = listener;
      const container = backend ? world.gateway.at(backend.address) : undefined;
      const { labels = {} } = container ?? {};
      const isRight =
        labels[LABELS.namespace] === project.namespace &&
        labels[LABELS.environment] === environment.kind &&
        labels[LABELS.service] === service;
      if (backend && !isRight) violate(`port ${port} of ${name} leads to ${container?.name ?? "nobody"}`);
      const of = rendered?.services.find((one) => one.service === service);
      // Tests end; then nobody is there to be led to.
      const runs = environment.desired === "running" && of !== undefined && !of.job && hindrance === null;
      if (!backend && runs) violate(`port ${port} of ${name} leads nowhere`);
    }
  }
  for (const port of left) violate(`port ${port} is still listened at, and is nobody's`);
}

function checkRoutes(world: World, ends: readonly End[], violate: Violate): void {
  const projects = new Map(projectsOf(world).map((project) => [project.namespace, project]));
  for (const [namespace, routes] of world.gateway.table) {
    const project = projects.get(namespace);
    if (!project) {
      violate(`the gateway still answers for ${namespace}`);
      continue;
    }
    for (const [kind, route] of Object.entries(routes.environments)) {
      for (const { service, upstreams } of route?.services ?? []) {
        for (const { address, container: id } of upstreams) {
          const container = world.gateway.at(address);
          const { labels = {} } = container ?? {};
          const right =
            labels[LABELS.namespace] === namespace &&
            labels[LABELS.environment] === kind &&
            labels[LABELS.service] === service &&
            container?.id.slice(0, 12) === id &&
            container?.listening;
          if (!right)
            violate(
              `the gateway sends ${project.slug} ${kind} ${service} to ${address}: ${container?.name ?? "nobody"}`,
            );
        }
      }
    }
  }
  for (const end of ends) checkServed(world, end, violate);
}

/** Every replica that runs and has a route is in the table. */
function checkServed(world: World, end: End, violate: Violate): void {
  const { project, environment, rendered, hindrance } = end;
  const name = `${project.slug} ${environment.kind}`;
  const route = world.gateway.table.get(project.namespace)?.environments[environment.kind];
  if (environment.desired === "absent") {
    const { status, hostId } = project;
    const hasPage = hasStatusPage(status) && hostId && hasRoute(manifestOf(world, project), environment.kind);
    const page = hasPage ? status : undefined;
    if (route?.state !== page)
      violate(
        `the gateway says ${route?.state ?? "nothing"} of ${name}, which is absent of a ${status} project`,
      );
    return;
  }
  if (environment.desired === "hibernated") {
    if (!route || route.state === "serving")
      violate(`the gateway says ${route?.state ?? "nothing"} of ${name}, which hibernates`);
    return;
  }
  if (hindrance !== null || !rendered) return;
  const routed = rendered.services.filter((service) => service.route !== null);
  if (routed.length === 0) return;
  for (const { service, replicas } of routed) {
    const { upstreams } = route?.services.find((one) => one.service === service) ?? { upstreams: [] };
    if (upstreams.length !== replicas)
      violate(`the gateway sends ${name} ${service} to ${upstreams.length} of ${replicas} replicas`);
  }
}

import { UNPRIVILEGED_USER, type AttachmentDefinitions } from "../attachment.ts";
import type { HiddenPart, VolumeFill } from "../compose.ts";
import { refuseGroupsNames } from "../groupNames.ts";
import { LABELS } from "../labels.ts";
import type { EnvironmentKind } from "../lifecycle.ts";
import { foldersOf, isJob, servicesOf, type Manifest, type ManifestService } from "../manifest.ts";
import {
  bridgeName,
  egressNetworkName,
  gatewayBridgeName,
  networkName,
  snapshotVolumeName,
  workspaceVolumeName,
} from "../naming.ts";
import { manifestOf, type EnvironmentSpec, type ProjectSpec } from "../projectSpec.ts";
import { portVariable, publishedServices } from "../ports.ts";
import { environmentPath } from "../routes.ts";
import { parseMemory } from "../units.ts";
import { isRefusal, parseSource } from "../source.ts";
import type { Stacks } from "../stack.ts";
import { attachmentVariables, attachmentViews } from "./attachmentView.ts";
import { groupAliases, groupNetwork } from "./groupView.ts";
import { hiddenOf, mergeVariables, plainVariables, secretVariables, type Variable } from "./hidden.ts";
import { nameServersOf } from "./nameServers.ts";
import { stackOf } from "./stacks.ts";

/** What docker/project-template.yml is filled with: flat lists of what is to be made, every field always there. */
export type TemplateView = {
  project: string;
  slug: string;
  namespace: string;
  services: (ServiceView & {
    /** Whom Docker's name server asks for names that it does not know itself. */
    dns: string[];
  })[];
  networks: NetworkView[];
  volumes: VolumeView[];
};

export type Pair = { name: string; value: string };

export type ServiceView = {
  key: string;
  image: string;
  entrypoint: string[] | null;
  command: string[] | null;
  user: string;
  workingDir: string | null;
  environment: Pair[];
  /** Of the variables that stand as ••• in `environment`, what they are made of. */
  hidden: Record<string, HiddenPart[]>;
  networks: { key: string; aliases: string[] }[];
  mounts: { volume: string; target: string }[];
  tmpfs: string[];
  memoryBytes: number;
  cpus: number;
  pids: number;
  healthcheck: string[] | null;
  healthTimeout: string;
  stopSignal: string | null;
  stopGrace: string;
  replicas: number;
  labels: Pair[];
  port: number | null;
  hostPort: number | null;
  route: string | null;
  ready: string | null;
  restart: "no" | "unless-stopped";
  job: boolean;
  attachment: boolean;
  volumesUnknown: boolean;
};

export type NetworkView = {
  key: string;
  name: string;
  /** Whether another file makes it, and nothing below is told. */
  external: boolean;
  internal: boolean;
  bridge: string;
  gatewayBridge: string;
  subnet: string | null;
  labels: Pair[];
};

export type VolumeView = {
  key: string;
  name: string;
  labels: Pair[];
  /** What it may hold; null: as much as the disk has. */
  sizeBytes: number | null;
  fill: VolumeFill[];
};

/** Where a project's files are in its containers. */
export const WORKSPACE = "/workspace";
const WORKSPACE_VOLUME = "workspace";

/** Enough for a language's tool chain with its threads, far from what starves a host. */
export const PIDS_LIMIT = 512;
/** tmpfs counts as the container's memory, so it is kept well below the smallest limit that works. */
const TMP_BYTES = 64 * 1024 ** 2;

/** What a host has to render with. */
export type Means = {
  stacks: Stacks;
  attachments: AttachmentDefinitions;
  instanceId: string;
  /** The volumes that images declare, as far as they were looked at; not given: nobody looks. */
  imageVolumes?: Readonly<Record<string, readonly string[]>>;
};

/** @param kinds the environments to render; the others are left out of every list */
export function viewOf(spec: ProjectSpec, means: Means, kinds: readonly EnvironmentKind[]): TemplateView {
  const environments = spec.environments.filter(({ kind }) => kinds.includes(kind));
  const perEnvironment = environments.map((environment) =>
    environmentView({ ...spec, manifest: manifestOf(spec, environment) }, environment, means),
  );
  return {
    project: spec.projectId,
    slug: spec.slug,
    namespace: spec.namespace,
    services: perEnvironment.flatMap(({ services, networks }) =>
      services.map((service) => ({ ...service, dns: nameServersOf(service, networks) })),
    ),
    networks: perEnvironment.flatMap(({ networks }) => networks),
    volumes: perEnvironment.flatMap(({ volumes }) => volumes),
  };
}

function environmentView(
  spec: ProjectSpec,
  environment: EnvironmentSpec,
  { stacks, attachments: definitions, instanceId, imageVolumes }: Means,
): Pick<TemplateView, "networks" | "volumes"> & { services: ServiceView[] } {
  const { namespace, manifest, group } = spec;
  const { kind } = environment;
  const release = takenRelease(environment);
  const labels: Pair[] = [
    { name: LABELS.instance, value: instanceId },
    { name: LABELS.project, value: spec.projectId },
    { name: LABELS.namespace, value: namespace },
    { name: LABELS.environment, value: kind },
    { name: LABELS.generation, value: String(environment.generation) },
  ];
  const egress = manifest.egress === "open";
  const network = (key: string, name: string, internal: boolean, subnet: string | null): NetworkView => ({
    key,
    name,
    external: false,
    internal,
    bridge: bridgeName(instanceId, name),
    gatewayBridge: gatewayBridgeName(instanceId),
    subnet,
    labels,
  });
  const networks = [network(kind, networkName(namespace, kind), true, environment.subnet)];
  if (egress) {
    const name = egressNetworkName(namespace, kind);
    networks.push(network(`${kind}_egress`, name, false, environment.egressSubnet));
  }

  if (group) networks.push(groupNetwork(group, kind));
  if (group) refuseGroupsNames(manifest, group);

  const services = Object.entries(servicesOf(manifest));
  const published = new Set(publishedServices(manifest));
  // One that is published no longer keeps its port until this is seen to run without it.
  const ports = Object.fromEntries(
    Object.entries(environment.ports ?? {}).filter(([service]) => published.has(service)),
  );
  const own = { namespace, attachments: manifest.attachments };
  const attached = attachmentViews({
    ...{ ...own, kind, definitions, imageVolumes, labels, ports },
    network: kind,
  });
  const given = [
    ...attachmentVariables([own, ...(group ? [group] : [])], kind, definitions),
    ...plainVariables(
      Object.fromEntries(
        Object.entries(ports).map(([service, port]) => [portVariable(kind, service), String(port)]),
      ),
    ),
  ];
  const workspaces = services.filter(([, service]) => service.stack !== undefined);
  const folders = foldersOf(manifest);
  const folderOf = (service: string) => folders.get(service) ?? ".";
  const volumeKey = `${kind}_${WORKSPACE_VOLUME}`;
  const released: Pair[] = release ? [{ name: LABELS.release, value: String(release.number) }] : [];

  return {
    networks,
    services: [
      ...attached.services,
      ...services.map(([name, service]) => ({
        key: `${kind}-${name}`,
        ...programOf(spec, kind, name, service, stacks, folderOf(name), given),
        networks: networks.map(({ key, external }) => ({
          key,
          aliases: key === kind ? [name] : external ? groupAliases(spec, name) : [],
        })),
        mounts: service.stack === undefined ? [] : [{ volume: volumeKey, target: WORKSPACE }],
        ...limitsOf(spec, kind, service),
        ...scaleOf(environment, name, isJob(spec.manifest, kind, service)),
        labels: [...labels, ...released, { name: LABELS.service, value: name }],
        route:
          service.route === undefined || isJob(spec.manifest, kind, service)
            ? null
            : service.route.replace(/\/+$/, "") || "/",
        hostPort: isJob(spec.manifest, kind, service) ? null : (ports[name] ?? null),
      })),
    ],
    volumes:
      workspaces.length === 0
        ? attached.volumes
        : [
            ...attached.volumes,
            {
              key: volumeKey,
              name: workspaceVolumeName(namespace, kind, release),
              labels: [...labels, ...released],
              sizeBytes: parseMemory(manifest.environments[kind].disk),
              fill: fillOf(
                namespace,
                kind,
                release,
                firstContents(
                  manifest,
                  workspaces.map(([name, service]) => ({ stack: service.stack!, folder: folderOf(name) })),
                ),
              ),
            },
          ],
  };
}

type TakenRelease = { number: number; snapshot: string };

/** The release that an environment runs, once there is a snapshot of it; dev runs none. */
function takenRelease({ kind, release }: EnvironmentSpec): TakenRelease | null {
  if (kind === "dev" || !release || release.snapshot === null) return null;
  return { number: release.number, snapshot: release.snapshot };
}

/**
 * A release begins with its snapshot and nothing else. Without one, test and deploy begin with what dev holds at that
 * moment; dev, and they without it, with what the project has of its own.
 */
function fillOf(
  namespace: string,
  kind: EnvironmentKind,
  release: TakenRelease | null,
  own: VolumeFill[],
): VolumeFill[] {
  if (kind === "dev") return own;
  if (release) return [{ from: "volume", name: snapshotVolumeName(namespace, release.snapshot) }];
  return [{ from: "volume", name: workspaceVolumeName(namespace, "dev", null) }, ...own];
}

/** A project's source, with the stacks' starters for the services' folders that it lacks; the starters without one. */
function firstContents(manifest: Manifest, starters: { stack: string; folder: string }[]): VolumeFill[] {
  const source = sourceFill(manifest);
  const own = starters.map(({ stack, folder }) => ({ from: "starter" as const, stack, folder }));
  return source ? [source, ...own.filter(({ folder }) => folder !== ".")] : own;
}

function sourceFill({ source: text }: Manifest): VolumeFill | null {
  const source = text === undefined ? null : parseSource(text);
  if (source === null || isRefusal(source)) return null;
  if (source.kind === "folder") return { from: "archive", name: source.path };
  return { from: "git", url: source.url, ref: source.ref };
}

/** What runs: image, command, variables, and how it is known to be ready. */
function programOf(
  spec: ProjectSpec,
  kind: EnvironmentKind,
  name: string,
  service: ManifestService,
  stacks: Stacks,
  folder: string,
  given: Variable[],
): Omit<
  ServiceView,
  | "key"
  | "networks"
  | "mounts"
  | "memoryBytes"
  | "cpus"
  | "pids"
  | "replicas"
  | "labels"
  | "route"
  | "hostPort"
> {
  const stack = service.stack === undefined ? null : stackOf(stacks, service.stack, name);
  const job = isJob(spec.manifest, kind, service);
  // A service's own command serves; a stack's tests have another one.
  const serves = job && stack ? undefined : service.command;
  const own = spec.manifest.environments[kind].command ?? serves;
  const port = portOf(service, stacks);
  const variables = mergeVariables(
    plainVariables(stack?.environment ?? {}),
    given,
    plainVariables(spec.manifest.env),
    secretVariables(spec.secrets ?? {}),
    plainVariables({
      ...service.env,
      ...(port === null ? {} : { PORT: String(port) }),
      SLIPWAY_PROJECT: spec.slug,
      SLIPWAY_NAMESPACE: spec.namespace,
      SLIPWAY_ENVIRONMENT: kind,
      SLIPWAY_SERVICE: name,
      SLIPWAY_BASE_PATH: environmentPath(spec.namespace, kind),
    }),
  );
  return {
    image: stack?.image ?? service.image!,
    entrypoint: null,
    command: own === undefined ? (stack?.commands[kind] ?? null) : argumentsOf(own),
    workingDir: stack && (folder === "." ? WORKSPACE : `${WORKSPACE}/${folder}`),
    user: UNPRIVILEGED_USER,
    environment: variables.map((variable) => ({ name: variable.name, value: variable.value })),
    hidden: hiddenOf(variables),
    tmpfs: [
      tmpfs("/tmp", "noexec,nosuid,nodev", "1777"),
      ...(stack?.writable ?? []).map((path) => tmpfs(path, "noexec,nosuid,nodev", "0755")),
    ],
    // An image of the user's own keeps the check that it was built with: nothing is known of what it contains.
    healthcheck: job ? null : (stack?.healthcheck ?? null),
    healthTimeout: "5s",
    stopSignal: null,
    stopGrace: "10s",
    port: job ? null : port,
    ready: job ? null : (service.health ?? stack?.ready ?? null),
    restart: job ? "no" : "unless-stopped",
    job,
    attachment: false,
    volumesUnknown: false,
  };
}

export function tmpfs(path: string, flags: string, mode: string, user = UNPRIVILEGED_USER): string {
  const [uid, gid] = user.split(":");
  return `${path}:rw,${flags},size=${TMP_BYTES},mode=${mode},uid=${uid},gid=${gid}`;
}

function portOf(service: ManifestService, stacks: Stacks): number | null {
  return service.port ?? (service.stack === undefined ? null : (stacks[service.stack]?.port ?? null));
}

/** What people scaled a service to, in place of what the manifest says. */
function scaleOf({ rollout }: EnvironmentSpec, service: string, job: boolean): { replicas?: number } {
  const replicas = job ? undefined : rollout?.replicas[service];
  return replicas === undefined ? {} : { replicas };
}

function limitsOf(
  spec: ProjectSpec,
  kind: EnvironmentKind,
  service: ManifestService,
): Pick<ServiceView, "memoryBytes" | "cpus" | "pids" | "replicas"> {
  const environment = spec.manifest.environments[kind];
  return {
    memoryBytes: parseMemory(environment.memory)!,
    cpus: environment.cpus,
    pids: PIDS_LIMIT,
    replicas: service.replicas ?? environment.replicas ?? 1,
  };
}

/** A command written as one text is the image's shell's to read, as in a Dockerfile; a list is taken as it is. */
function argumentsOf(command: string | string[]): string[] {
  return typeof command === "string" ? ["/bin/sh", "-c", command] : command;
}

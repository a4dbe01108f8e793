import type { VolumeFill } from "../compose.ts";
import { LABELS } from "../labels.ts";
import type { EnvironmentKind } from "../lifecycle.ts";
import { foldersOf, servicesOf, type Manifest, type ManifestService } from "../manifest.ts";
import {
  bridgeName,
  egressNetworkName,
  gatewayBridgeName,
  networkName,
  snapshotVolumeName,
  workspaceVolumeName,
} from "../naming.ts";
import { manifestOf, type EnvironmentSpec, type ProjectSpec } from "../projectSpec.ts";
import { environmentPath } from "../routes.ts";
import { parseMemory } from "../units.ts";
import { isRefusal, parseSource } from "../source.ts";
import type { Stacks } from "../stack.ts";
import { stackOf } from "./stacks.ts";

/** What docker/project-template.yml is filled with: flat lists of what is to be made, every field always there. */
export type TemplateView = {
  project: string;
  slug: string;
  namespace: string;
  services: ServiceView[];
  networks: NetworkView[];
  volumes: VolumeView[];
};

type Pair = { name: string; value: string };

type ServiceView = {
  key: string;
  image: string;
  entrypoint: string[] | null;
  command: string[] | null;
  workingDir: string | null;
  environment: Pair[];
  networks: { key: string; aliases: string[] }[];
  mounts: { volume: string; target: string }[];
  tmpfs: string[];
  memoryBytes: number;
  cpus: number;
  pids: number;
  healthcheck: string[] | null;
  replicas: number;
  labels: Pair[];
  port: number | null;
  route: string | null;
  ready: string | null;
  restart: "no" | "unless-stopped";
  job: boolean;
};

type NetworkView = {
  key: string;
  name: string;
  internal: boolean;
  bridge: string;
  gatewayBridge: string;
  subnet: string | null;
  labels: Pair[];
};

type VolumeView = {
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
const PIDS_LIMIT = 512;
/** tmpfs counts as the container's memory, so it is kept well below the smallest limit that works. */
const TMP_BYTES = 64 * 1024 ** 2;
const UNPRIVILEGED = { uid: 1000, gid: 1000 };

/** @param kinds the environments to render; the others are left out of every list */
export function viewOf(
  spec: ProjectSpec,
  stacks: Stacks,
  instanceId: string,
  kinds: readonly EnvironmentKind[],
): TemplateView {
  const environments = spec.environments.filter(({ kind }) => kinds.includes(kind));
  const perEnvironment = environments.map((environment) =>
    environmentView({ ...spec, manifest: manifestOf(spec, environment) }, environment, stacks, instanceId),
  );
  return {
    project: spec.projectId,
    slug: spec.slug,
    namespace: spec.namespace,
    services: perEnvironment.flatMap(({ services }) => services),
    networks: perEnvironment.flatMap(({ networks }) => networks),
    volumes: perEnvironment.flatMap(({ volumes }) => volumes),
  };
}

function environmentView(
  spec: ProjectSpec,
  environment: EnvironmentSpec,
  stacks: Stacks,
  instanceId: string,
): Pick<TemplateView, "services" | "networks" | "volumes"> {
  const { namespace, manifest } = spec;
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

  const services = Object.entries(servicesOf(manifest));
  const workspaces = services.filter(([, service]) => service.stack !== undefined);
  const folders = foldersOf(manifest);
  const folderOf = (service: string) => folders.get(service) ?? ".";
  const volumeKey = `${kind}_${WORKSPACE_VOLUME}`;
  const released: Pair[] = release ? [{ name: LABELS.release, value: String(release.number) }] : [];

  return {
    networks,
    services: services.map(([name, service]) => ({
      key: `${kind}-${name}`,
      ...programOf(spec, kind, name, service, stacks, folderOf(name)),
      networks: networks.map(({ key }) => ({ key, aliases: key === kind ? [name] : [] })),
      mounts: service.stack === undefined ? [] : [{ volume: volumeKey, target: WORKSPACE }],
      ...limitsOf(spec, kind, service),
      labels: [...labels, ...released, { name: LABELS.service, value: name }],
      route:
        service.route === undefined || isJob(spec, kind, service)
          ? null
          : service.route.replace(/\/+$/, "") || "/",
    })),
    volumes:
      workspaces.length === 0
        ? []
        : [
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
): Pick<
  ServiceView,
  | "image"
  | "entrypoint"
  | "command"
  | "workingDir"
  | "environment"
  | "tmpfs"
  | "healthcheck"
  | "port"
  | "ready"
  | "restart"
  | "job"
> {
  const stack = service.stack === undefined ? null : stackOf(stacks, service.stack, name);
  const job = isJob(spec, kind, service);
  // A service's own command serves; a stack's tests have another one.
  const serves = job && stack ? undefined : service.command;
  const own = spec.manifest.environments[kind].command ?? serves;
  const port = portOf(service, stacks);
  const variables: Record<string, string> = {
    ...stack?.environment,
    ...spec.manifest.env,
    ...service.env,
    ...(port === null ? {} : { PORT: String(port) }),
    SLIPWAY_PROJECT: spec.slug,
    SLIPWAY_NAMESPACE: spec.namespace,
    SLIPWAY_ENVIRONMENT: kind,
    SLIPWAY_SERVICE: name,
    SLIPWAY_BASE_PATH: environmentPath(spec.namespace, kind),
  };
  return {
    image: stack?.image ?? service.image!,
    entrypoint: null,
    command: own === undefined ? (stack?.commands[kind] ?? null) : argumentsOf(own),
    workingDir: stack && (folder === "." ? WORKSPACE : `${WORKSPACE}/${folder}`),
    environment: Object.entries(variables).map(([variable, value]) => ({ name: variable, value })),
    tmpfs: [
      tmpfs("/tmp", "noexec,nosuid,nodev", "1777"),
      ...(stack?.writable ?? []).map((path) => tmpfs(path, "noexec,nosuid,nodev", "0755")),
    ],
    // An image of the user's own keeps the check that it was built with: nothing is known of what it contains.
    healthcheck: job ? null : (stack?.healthcheck ?? null),
    port: job ? null : port,
    ready: job ? null : (service.health ?? stack?.ready ?? null),
    restart: job ? "no" : "unless-stopped",
    job,
  };
}

/** A stack's test program, or a command given for the test environment, ends by itself; an image's own serves. */
function isJob(spec: ProjectSpec, kind: EnvironmentKind, service: ManifestService): boolean {
  return (
    kind === "test" && (service.stack !== undefined || spec.manifest.environments.test.command !== undefined)
  );
}

function tmpfs(path: string, flags: string, mode: string): string {
  return `${path}:rw,${flags},size=${TMP_BYTES},mode=${mode},uid=${UNPRIVILEGED.uid},gid=${UNPRIVILEGED.gid}`;
}

function portOf(service: ManifestService, stacks: Stacks): number | null {
  return service.port ?? (service.stack === undefined ? null : (stacks[service.stack]?.port ?? null));
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

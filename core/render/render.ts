import {
  parseCompose,
  type ComposeFile,
  type ComposeNetwork,
  type ComposeService,
  type ComposeVolume,
} from "../compose.ts";
import { LABELS } from "../labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../lifecycle.ts";
import type { AttachmentDefinitions } from "../attachment.ts";
import type { GroupSpec, ProjectSpec } from "../projectSpec.ts";
import { configHash } from "./configHash.ts";
import type { RenderedNetwork, RenderedProject, RenderedService, RenderedVolume } from "./rendered.ts";
import type { Stacks } from "../stack.ts";
import { fillTemplate } from "./template.ts";
import { groupView } from "./groupView.ts";
import { viewOf } from "./view.ts";

export type RenderInput = {
  spec: ProjectSpec;
  /** Every stack that this host has, by name. */
  stacks: Stacks;
  /** Every kind of attachment that this host knows, by name; default none. */
  attachments?: AttachmentDefinitions;
  /** The volumes that images declare, as far as they were looked at; not given: nobody looks. */
  imageVolumes?: Readonly<Record<string, readonly string[]>>;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
  /** The environments to render; default all of the spec's. */
  kinds?: readonly EnvironmentKind[];
};

/**
 * Renders a project: Handlebars → YAML → checked against the Compose subset of core/compose.ts → the worker's own terms.
 * Pure: texts and values in, values out; `slipway render` and the worker call the same.
 * @throws SlipwayError `bad_manifest` (an unknown stack) or `bad_request` (a template that renders no such file)
 */
export function renderProject(input: RenderInput): { yaml: string; project: RenderedProject } {
  const { spec, template, kinds = ENVIRONMENT_KINDS } = input;
  const yaml = fillTemplate(
    template,
    viewOf(spec, { ...input, attachments: input.attachments ?? {} }, kinds),
  );
  return { yaml, project: read(yaml) };
}

/** Renders what a group has of its own, with the same template: its networks and attachments. Pure, as above. */
export function renderGroup(input: Omit<RenderInput, "spec" | "stacks"> & { group: GroupSpec }): {
  yaml: string;
  project: RenderedProject;
} {
  const { group, template, kinds = ENVIRONMENT_KINDS } = input;
  const means = { ...input, stacks: {}, attachments: input.attachments ?? {} };
  const yaml = fillTemplate(template, groupView(group, means, kinds));
  return { yaml, project: read(yaml) };
}

/** What the last texts say: most of them are rendered again and again, and reading one costs more than filling it in. */
const known = new Map<string, RenderedProject>();
const MOST_KNOWN = 256;

function read(yaml: string): RenderedProject {
  const project = known.get(yaml) ?? resolve(parseCompose(yaml));
  // Newest last: the first is the one that nobody has asked for longest.
  known.delete(yaml);
  known.set(yaml, project);
  for (const [oldest] of known) {
    if (known.size <= MOST_KNOWN) break;
    known.delete(oldest);
  }
  return project;
}

function resolve(file: ComposeFile): RenderedProject {
  const { project, slug, namespace } = file["x-slipway"];
  const networks = Object.fromEntries(
    Object.entries(file.networks).filter(
      (entry): entry is [string, ComposeNetwork] => !("external" in entry[1]),
    ),
  );
  const of = <T extends { labels: Record<string, string> }>(kind: string, section: Record<string, T>) =>
    Object.entries(section).filter(([, { labels }]) => labels[LABELS.environment] === kind);
  return {
    projectId: project,
    slug,
    namespace,
    environments: ENVIRONMENT_KINDS.map((kind) => ({
      kind,
      networks: of(kind, networks).map(([key, network]) => resolveNetwork(namespace, key, network)),
      volumes: of(kind, file.volumes).map(([key, volume]) => resolveVolume(namespace, key, volume)),
      services: of(kind, file.services).map(([key, service]) => resolveService(file, key, service)),
    })).filter(({ services, networks }) => services.length + networks.length > 0),
  };
}

/** The labels by which ordinary Docker tools group what belongs together. */
function composeLabels(namespace: string, kind: "service" | "network" | "volume", key: string) {
  return { "com.docker.compose.project": namespace, [`com.docker.compose.${kind}`]: key };
}

function resolveNetwork(namespace: string, key: string, network: ComposeNetwork): RenderedNetwork {
  return {
    name: network.name,
    internal: network.internal,
    driverOptions: network.driver_opts,
    subnet: network.ipam?.config[0].subnet ?? null,
    labels: { ...network.labels, ...composeLabels(namespace, "network", key) },
  };
}

function resolveVolume(namespace: string, key: string, volume: ComposeVolume): RenderedVolume {
  return {
    name: volume.name,
    labels: { ...volume.labels, ...composeLabels(namespace, "volume", key) },
    sizeBytes: volume["x-slipway"].size,
    fill: volume["x-slipway"].fill,
  };
}

function resolveService(file: ComposeFile, key: string, compose: ComposeService): RenderedService {
  const extension = compose["x-slipway"];
  const made = {
    service: compose.labels[LABELS.service]!,
    image: compose.image,
    entrypoint: compose.entrypoint ?? null,
    command: compose.command ?? null,
    user: compose.user,
    workingDir: compose.working_dir ?? null,
    environment: compose.environment,
    hidden: extension.hidden,
    networks: Object.entries(compose.networks).map(([network, { aliases }]) => ({
      name: file.networks[network]!.name,
      aliases,
    })),
    mounts: compose.volumes.map(({ source, target, read_only, volume }) => ({
      volume: file.volumes[source]!.name,
      target,
      readOnly: read_only,
      noCopy: volume.nocopy,
    })),
    dns: compose.dns,
    tmpfs: Object.fromEntries(
      compose.tmpfs.map((entry) => {
        const colon = entry.indexOf(":");
        return colon < 0 ? [entry, ""] : [entry.slice(0, colon), entry.slice(colon + 1)];
      }),
    ),
    readOnly: compose.read_only,
    init: compose.init,
    capDrop: compose.cap_drop,
    securityOptions: compose.security_opt,
    memoryBytes: compose.mem_limit,
    memorySwapBytes: compose.memswap_limit,
    cpus: compose.cpus,
    pids: compose.pids_limit,
    stopSignal: compose.stop_signal ?? null,
    stopGraceMs: compose.stop_grace_period,
    restart: compose.restart,
    healthcheck: compose.healthcheck
      ? {
          test: compose.healthcheck.test,
          intervalMs: compose.healthcheck.interval,
          timeoutMs: compose.healthcheck.timeout,
          retries: compose.healthcheck.retries,
          startPeriodMs: compose.healthcheck.start_period,
        }
      : null,
    logging: compose.logging,
  };
  // The generation says when a container was made, not what it is: hashing it would replace containers at every move.
  const { [LABELS.generation]: _generation, ...lastingLabels } = compose.labels;
  return {
    ...made,
    labels: { ...compose.labels, ...composeLabels(file["x-slipway"].namespace, "service", key) },
    replicas: compose.scale,
    port: extension.port,
    hostPort: extension.host_port,
    route: extension.route,
    readyPath: extension.ready,
    job: extension.job,
    attachment: extension.attachment,
    volumesUnknown: extension.volumes_unknown,
    configHash: configHash({ ...made, labels: lastingLabels, port: extension.port }),
  };
}

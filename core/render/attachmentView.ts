import {
  DATA_PATH,
  definitionOf,
  runOf,
  UNPRIVILEGED_USER,
  type AttachmentDefinition,
  type AttachmentDefinitions,
  type AttachmentRun,
} from "../attachment.ts";
import type { Attachment } from "../attachments.ts";
import { LABELS } from "../labels.ts";
import type { EnvironmentKind } from "../lifecycle.ts";
import { volumeName } from "../naming.ts";
import { parseMemory } from "../units.ts";
import {
  credentialName,
  fillText,
  hiddenOf,
  mergeVariables,
  plainVariables,
  type Variable,
} from "./hidden.ts";
import { PIDS_LIMIT, tmpfs, type Pair, type ServiceView, type VolumeView } from "./view.ts";

/** What is attached, and whose it is: a project's own, or its group's. */
export type Attached = { namespace: string; attachments: readonly Attachment[] };

export type AttachmentInput = Attached & {
  kind: EnvironmentKind;
  definitions: AttachmentDefinitions;
  /** The volumes that images declare, by image; one that is missing has not been looked at. Not given: nobody looks. */
  imageVolumes?: Readonly<Record<string, readonly string[]>>;
  labels: Pair[];
  /** The key of the one network that they are on. */
  network: string;
  /** Host ports by alias. */
  ports: Readonly<Record<string, number>>;
};

/** The containers and volumes of attachments in one environment. */
export function attachmentViews(input: AttachmentInput): { services: ServiceView[]; volumes: VolumeView[] } {
  const made = input.attachments.map((attachment) => viewOfOne(input, attachment));
  return {
    services: made.map(({ service }) => service),
    volumes: made.flatMap(({ volumes }) => volumes),
  };
}

function viewOfOne(
  input: AttachmentInput,
  attachment: Attachment,
): { service: ServiceView; volumes: VolumeView[] } {
  const { kind, labels, network, namespace, definitions } = input;
  const { alias } = attachment;
  const definition = definitionOf(definitions, attachment.image);
  const run = definition ? runOf(definition, attachment.image) : unknownRun(input, attachment.image);
  const environment = mergeVariables(
    Object.entries(run.environment).map(([name, text]) =>
      fill(namespace, kind, attachment, definition, name, text),
    ),
    plainVariables(attachment.env),
  );
  const volumes = run.data.map((target, index) => {
    const volume = index === 0 ? `data_${alias}` : `data_${alias}_${index + 1}`;
    return { key: `${kind}_${volume}`, name: volumeName(namespace, kind, volume), target };
  });
  return {
    service: {
      key: `${kind}-${alias}`,
      image: run.image,
      entrypoint: null,
      command: run.command,
      user: run.user,
      workingDir: null,
      environment: environment.map(({ name, value }) => ({ name, value })),
      hidden: hiddenOf(environment),
      networks: [{ key: network, aliases: [alias] }],
      mounts: volumes.map(({ key, target }) => ({ volume: key, target })),
      tmpfs: [
        tmpfs("/tmp", "noexec,nosuid,nodev", "1777"),
        ...run.writable.map((path) => tmpfs(path, "noexec,nosuid,nodev", "0755", run.user)),
      ],
      memoryBytes: parseMemory(attachment.memory)!,
      cpus: attachment.cpus,
      pids: PIDS_LIMIT,
      healthcheck: definition?.healthcheck ?? null,
      healthTimeout: definition?.healthTimeout ?? "5s",
      stopSignal: definition?.stopSignal ?? null,
      stopGrace: definition?.stopGrace ?? "30s",
      replicas: 1,
      labels: [...labels, { name: LABELS.service, value: alias }],
      port: definition?.port ?? null,
      hostPort: definition ? (input.ports[alias] ?? null) : null,
      route: null,
      ready: null,
      restart: "unless-stopped",
      job: false,
      attachment: true,
      volumesUnknown:
        definition === null && input.imageVolumes !== undefined && !input.imageVolumes[attachment.image],
    },
    volumes: volumes.map(({ key, name }) => ({
      key,
      name,
      labels,
      sizeBytes: attachment.volume === undefined ? null : parseMemory(attachment.volume),
      fill: [{ from: "empty", user: run.user }],
    })),
  };
}

/** Any other image: it runs as everything does, and what it declares as volumes outlives its container. */
function unknownRun({ imageVolumes }: AttachmentInput, image: string): AttachmentRun {
  const declared = imageVolumes?.[image] ?? [];
  return {
    image,
    user: UNPRIVILEGED_USER,
    data: [...new Set([...declared, DATA_PATH])].sort(),
    writable: [],
    command: null,
    environment: {},
  };
}

/**
 * What app services are told: for each attachment `<ALIAS>_HOST` and, where it is known how to get in, `<ALIAS>_PORT`,
 * `_URL`, `_USER`, `_PASSWORD` and `_NAME`; and the usual names (`DATABASE_URL`, `PGHOST` …), each from the first
 * attachment that gives it, the project's own before the group's.
 */
export function attachmentVariables(
  attached: readonly Attached[],
  kind: EnvironmentKind,
  definitions: AttachmentDefinitions,
): Variable[] {
  const all = attached.flatMap(({ namespace, attachments }) =>
    attachments.map((attachment) => variablesOf(namespace, kind, attachment, definitions)),
  );
  // The first that gives a name counts, and an attachment's own prefix goes before what others call usual.
  return mergeVariables(...all.map(({ usual }) => usual).reverse(), ...all.map(({ own }) => own).reverse());
}

function variablesOf(
  namespace: string,
  kind: EnvironmentKind,
  attachment: Attachment,
  definitions: AttachmentDefinitions,
): { own: Variable[]; usual: Variable[] } {
  const definition = definitionOf(definitions, attachment.image);
  const prefix = attachment.alias.toUpperCase().replaceAll("-", "_");
  const host = { name: `${prefix}_HOST`, value: attachment.alias, hidden: null };
  if (!definition) return { own: [host], usual: [] };
  const filled = (name: string, text: string) => fill(namespace, kind, attachment, definition, name, text);
  const { user, password, name } = definition.access;
  const pieces = { PORT: "{port}", URL: "{url}", USER: user, PASSWORD: password, NAME: name };
  return {
    own: [
      host,
      ...Object.entries(pieces).flatMap(([piece, text]) =>
        text === undefined ? [] : [filled(`${prefix}_${piece}`, text)],
      ),
    ],
    usual: Object.entries(definition.variables).map(([variable, text]) => filled(variable, text)),
  };
}

function fill(
  namespace: string,
  kind: EnvironmentKind,
  { alias }: Attachment,
  definition: AttachmentDefinition | null,
  name: string,
  text: string,
): Variable {
  const known: Record<string, string> = { host: alias };
  if (definition) known.port = String(definition.port);
  const withUrl = definition ? text.replaceAll("{url}", definition.url) : text;
  return fillText(name, withUrl, known, (what) => credentialName(namespace, kind, alias, what));
}

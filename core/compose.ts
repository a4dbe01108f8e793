import { load } from "js-yaml";
import * as z from "zod";
import { SlipwayError } from "./errors.ts";
import { parseDuration } from "./units.ts";

/**
 * The part of Compose that a rendered project may use, and so all that the worker knows how to make. Everything else is
 * refused by its path, because a key that is silently left out is a promise broken.
 *
 * | where | keys |
 * |---|---|
 * | file | `services`, `networks`, `volumes`, `x-slipway` |
 * | service | `image entrypoint command user working_dir environment labels networks dns volumes tmpfs read_only init cap_drop security_opt mem_limit memswap_limit cpus pids_limit stop_signal stop_grace_period restart healthcheck logging scale x-slipway` |
 * | service networks | a map of network → `{aliases}` |
 * | service volumes | the long form, `type: volume` only: no path of the host can be mounted |
 * | network | `name driver internal driver_opts ipam labels`, one subnet; or `name external`: another file's |
 * | volume | `name driver labels x-slipway` |
 *
 * Units: memory in bytes, CPUs as a number, durations as Compose writes them (`500ms`, `10s`).
 * `$` stands doubled, as Compose asks; a single one would be an interpolation and is refused.
 */

const NO_NUL = "text without NUL characters";

/** Text as Compose carries it, `$$` for `$`; comes out as it is meant. */
const vText = z
  .string()
  .refine((text) => !text.includes("\0"), NO_NUL)
  .refine(
    (text) => !text.replaceAll("$$", "").includes("$"),
    "$$ where a $ is meant: nothing is interpolated",
  )
  .transform((text) => text.replaceAll("$$", "$"));

const vDuration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  context.addIssue({ code: "custom", message: "a duration, like 500ms or 10s" });
  return z.NEVER;
});

const vLabels = z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, "a label's name"), vText);
const vDockerName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/, "a name that Docker takes: letters, digits, _ . -");
const vKey = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "a key: lower-case letters, digits, _ -");
const vAbsolutePath = vText.refine(
  (path) => path.startsWith("/") && !path.split("/").includes(".."),
  "an absolute path without ..",
);

const vHealthcheck = z.strictObject({
  test: z.array(vText).min(2),
  interval: vDuration,
  timeout: vDuration,
  retries: z.int().min(1),
  start_period: vDuration,
});

/** A piece of a variable that is not to be seen: plain text, a secret of the project's, a credential of an attachment's. */
const vHiddenPart = z.union([
  vText,
  /** `version` changes whenever the secret is set, and tells nothing of it. */
  z.strictObject({ secret: vText, version: vText }),
  /** `<namespace>/<kind>/<alias>/<what>` */
  z.strictObject({ credential: vText }),
]);

const vServiceExtension = z.strictObject({
  /** TCP port that the service listens on; null where nothing reaches it. */
  port: z.int().min(1).max(65535).nullable(),
  /** Path prefix under which the gateway sends requests here; null where it does not. */
  route: vText.nullable(),
  /** HTTP path that answers 2xx or 3xx once the service is ready; null where an open port is all that is asked. */
  ready: vText.nullable(),
  /** Whether it is to end by itself, with 0 when all is well, rather than to serve. */
  job: z.boolean(),
  /** Whether other services wait for it before they start. */
  attachment: z.boolean().default(false),
  /** The port of the host, at 127.0.0.1, that leads to `port`; null where none does. */
  host_port: z.int().min(1).max(65535).nullable().default(null),
  /** What the worker puts in place of variables that stand as ••• in `environment`. */
  hidden: z.record(z.string(), z.array(vHiddenPart)).default({}),
  /** Whether the image has to be there before it can be said which volumes it needs. */
  volumes_unknown: z.boolean().default(false),
});

const vComposeService = z.strictObject({
  image: vText,
  entrypoint: z.array(vText).optional(),
  command: z.array(vText).optional(),
  user: vText,
  working_dir: vAbsolutePath.optional(),
  environment: z.record(z.string(), vText),
  labels: vLabels,
  networks: z.record(vKey, z.strictObject({ aliases: z.array(vText).default([]) })),
  volumes: z
    .array(
      z.strictObject({
        type: z.literal("volume", "volume: nothing else can be mounted"),
        source: vKey,
        target: vAbsolutePath,
        read_only: z.boolean().default(false),
        volume: z.strictObject({ nocopy: z.boolean() }).prefault({ nocopy: false }),
      }),
    )
    .default([]),
  dns: z.array(z.ipv4()).default([]),
  tmpfs: z.array(vText),
  read_only: z.boolean(),
  init: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.literal("no-new-privileges:true")),
  mem_limit: z.int().positive(),
  memswap_limit: z.int().positive(),
  cpus: z.number().positive(),
  pids_limit: z.int().positive(),
  stop_signal: vText.optional(),
  stop_grace_period: vDuration,
  restart: z.enum(["no", "always", "unless-stopped", "on-failure"]),
  healthcheck: vHealthcheck.optional(),
  logging: z.strictObject({ driver: z.literal("json-file"), options: z.record(z.string(), vText) }),
  scale: z.int().min(0).default(1),
  "x-slipway": vServiceExtension,
});

/** One that another file makes: a group's. */
const vExternalNetwork = z.strictObject({ name: vDockerName, external: z.literal(true) });

const vOwnNetwork = z.strictObject({
  name: vDockerName,
  driver: z.literal("bridge"),
  internal: z.boolean().default(false),
  driver_opts: z.record(z.string(), vText).default({}),
  ipam: z
    .strictObject({
      config: z.tuple([z.strictObject({ subnet: z.cidrv4("an IPv4 network, like 10.128.0.0/26") })]),
    })
    .optional(),
  labels: vLabels,
});

const vComposeNetwork = z.union([vOwnNetwork, vExternalNetwork]);

/** Where a volume's first content comes from. */
const vFill = z.discriminatedUnion("from", [
  /** A stack's starter project, put into `folder` of the volume (`.` is its top). */
  z.strictObject({ from: z.literal("starter"), stack: vText, folder: vText }),
  /** All of another volume of the project, by its name in Docker, where that one exists. */
  z.strictObject({ from: z.literal("volume"), name: vDockerName }),
  /** Nothing: its top belongs to `user` (`uid:gid`) and to nobody else. */
  z.strictObject({ from: z.literal("empty"), user: vText }),
  /** The folder that was uploaded for the project; the control plane keeps it until it is used. `name`: for people. */
  z.strictObject({ from: z.literal("archive"), name: vText }),
  /** A clone of a repository; `ref` is a branch, a tag or a commit, null the repository's own default. */
  z.strictObject({ from: z.literal("git"), url: vText, ref: vText.nullable() }),
]);

const vComposeVolume = z.strictObject({
  name: vDockerName,
  driver: z.literal("local").default("local"),
  labels: vLabels,
  /**
   * `fill`: alternatives are tried in order: a volume, a source (with starters for folders that it lacks), starters. `size`: bytes that it may hold, null for as many
   * as the disk has.
   */
  "x-slipway": z.strictObject({ fill: z.array(vFill), size: z.int().positive().nullable().default(null) }),
});

export const vComposeFile = z
  .strictObject({
    services: z.record(vKey, vComposeService),
    networks: z.record(vKey, vComposeNetwork),
    volumes: z.record(vKey, vComposeVolume),
    "x-slipway": z.strictObject({ project: vText, slug: vText, namespace: vText }),
  })
  .superRefine((file, context) => {
    const missing = (path: PropertyKey[], what: string) =>
      context.addIssue({ code: "custom", path, message: `a ${what} that the file declares` });
    for (const [name, service] of Object.entries(file.services)) {
      for (const network of Object.keys(service.networks)) {
        if (!Object.hasOwn(file.networks, network))
          missing(["services", name, "networks", network], "network");
      }
      for (const [index, mount] of service.volumes.entries()) {
        if (!Object.hasOwn(file.volumes, mount.source)) {
          missing(["services", name, "volumes", index, "source"], "volume");
        }
      }
    }
  });

export type ComposeFile = z.output<typeof vComposeFile>;
export type ComposeService = z.output<typeof vComposeService>;
/** One that the file itself makes. */
export type ComposeNetwork = z.output<typeof vOwnNetwork>;
export type HiddenPart = z.output<typeof vHiddenPart>;
export type ComposeVolume = z.output<typeof vComposeVolume>;
export type VolumeFill = z.output<typeof vFill>;

/**
 * Reads a Compose file of the subset above.
 * @throws SlipwayError `bad_request`, naming each path that is refused and what is allowed there
 */
export function parseCompose(yaml: string): ComposeFile {
  let input: unknown;
  try {
    input = load(yaml);
  } catch (error) {
    throw new SlipwayError(
      {
        code: "bad_request",
        message: "The rendered file is no YAML.",
        hint: "Check docker/project-template.yml.",
      },
      { cause: error },
    );
  }
  const parsed = vComposeFile.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describe);
  throw new SlipwayError({
    code: "bad_request",
    message: `The rendered Compose file is refused: ${problems.join("; ")}.`,
    path: parsed.error.issues[0]?.path.join(".") ?? "",
    hint: "core/compose.ts lists what Slipway can make from a Compose file.",
  });
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${[...issue.path, key].join(".")}: a key that Slipway does not know`);
  }
  const where = issue.path.join(".") || "(the whole file)";
  return [`${where}: expected ${issue.message.replace(/^Invalid input: expected /, "")}`];
}

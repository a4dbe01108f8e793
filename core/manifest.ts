import * as z from "zod";
import { SlipwayError } from "./errors.ts";
import { vAttachments } from "./attachments.ts";
import { vDomains, vProjectGateway, vServiceGateway } from "./gatewaySettings.ts";
import { vGroupName } from "./groups.ts";
import type { EnvironmentKind } from "./lifecycle.ts";
import {
  IMAGE,
  LIMITS,
  SERVICE_NAME,
  STACK_NAME,
  vCpus,
  vDisk,
  vMemory,
  vVariables,
} from "./manifestFields.ts";
import { vRolloutManifest } from "./rollout.ts";
import { ROUTE_LIMITS } from "./routes.ts";
import { isRefusal, parseSource } from "./source.ts";
import { SERVICE_FOLDER } from "./workspacePath.ts";
import { parseDuration } from "./units.ts";

/** The manifest of a project (DESIGN.md §8): what a user writes in `slipway.yml`, checked and with defaults filled in. */

export { RESERVED_VARIABLE, STACK_NAME, VARIABLE_NAME } from "./manifestFields.ts";

const PATH_PREFIX = /^\/(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?)?$/;

const vTestTimeout = z
  .string({ error: "a duration with its unit, like 90s or 15m" })
  .superRefine((text, context) => {
    const milliseconds = parseDuration(text);
    const problem = (message: string) => context.addIssue({ code: "custom", message });
    if (milliseconds === null) problem("a duration with its unit, like 90s or 15m");
    else if (milliseconds < LIMITS.testTimeoutMs.least) problem("at least 1s");
    else if (milliseconds > LIMITS.testTimeoutMs.most) problem("at most 24h");
  });

const vService = z
  .strictObject({
    stack: z.string().regex(STACK_NAME, "a stack's name, like node").optional(),
    image: z.string().regex(IMAGE, "an image's name, like shop-api:1").optional(),
    command: z.union([z.string().min(1), z.array(z.string()).min(1)]).optional(),
    port: z
      .int("a port, 1 to 65535")
      .min(1, "a port, 1 to 65535")
      .max(65535, "a port, 1 to 65535")
      .optional(),
    route: z
      .string()
      .max(ROUTE_LIMITS.prefixLength, `at most ${ROUTE_LIMITS.prefixLength} characters`)
      .regex(PATH_PREFIX, "a path prefix, like / or /api")
      .optional(),
    health: z
      .string()
      .regex(/^\/[^\s]*$/, "a path, like /health")
      .optional(),
    replicas: z
      .int("a whole number")
      .min(LIMITS.replicas.least, "at least 1")
      .max(LIMITS.replicas.most, "at most 16")
      .optional(),
    env: vVariables.optional(),
    /** Where a stack's service runs, below /workspace. */
    folder: z.string().regex(SERVICE_FOLDER, "a folder of the source, like api or apps/api").optional(),
    /** Whether the service gets a port of the host, at 127.0.0.1. */
    publish: z.boolean({ error: "true or false" }).optional(),
    /** How the gateway treats the requests of its route. */
    gateway: vServiceGateway.optional(),
  })
  .superRefine((service, context) => {
    if ((service.stack === undefined) === (service.image === undefined)) {
      context.addIssue({ code: "custom", message: "exactly one of stack and image" });
    }
    if (service.image !== undefined && service.folder !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["folder"],
        message: "no folder: an image of your own brings its files with it",
      });
    }
    if (service.image !== undefined && service.route !== undefined && service.port === undefined) {
      context.addIssue({
        code: "custom",
        path: ["port"],
        message: "the port that the image listens on, as it has a route",
      });
    }
  });

const environmentFields = (cpus: number, memory: string) => ({
  cpus: vCpus.default(cpus),
  memory: vMemory.default(memory),
  /** What the workspace volume may hold. */
  disk: vDisk.default("10g"),
  /** How containers hibernate: `stop` frees their memory, `pause` keeps it and wakes at once. */
  hibernate: z.enum(["stop", "pause"], "stop or pause").default("stop"),
  command: z.string().min(1).optional(),
  replicas: z
    .int("a whole number")
    .min(LIMITS.replicas.least, "at least 1")
    .max(LIMITS.replicas.most, "at most 16")
    .optional(),
});

const environment = (cpus: number, memory: string) =>
  z.strictObject(environmentFields(cpus, memory)).prefault({});

const vTestEnvironment = z
  .strictObject({
    ...environmentFields(1, "1g"),
    /** How long the tests may take. */
    timeout: vTestTimeout.default("15m"),
  })
  .prefault({});

const vDeployEnvironment = z
  .strictObject({ ...environmentFields(1, "1g"), rollout: vRolloutManifest })
  .prefault({});

const vSource = z.string({ error: "a folder like ./app, or a git URL" }).superRefine((text, context) => {
  const source = parseSource(text);
  if (isRefusal(source)) context.addIssue({ code: "custom", message: source.refused });
});

export const vManifest = z
  .strictObject({
    name: z.string().trim().min(1, "a name").max(64, "at most 64 characters"),
    stack: z.string().regex(STACK_NAME, "a stack's name, like node").optional(),
    services: z
      .record(
        z.string().regex(SERVICE_NAME, "a service's name: lower-case letters, digits and -, up to 32"),
        vService,
      )
      .optional(),
    /** Where the files of its dev environment come from (core/source.ts); without it from its stacks' starters. */
    source: vSource.optional(),
    /** Databases, caches and the like, each environment with its own (docs/attachments.md). */
    attachments: vAttachments.default([]),
    group: vGroupName.optional(),
    /** Names of its own, which the deploy environment answers. */
    domains: vDomains.optional(),
    gateway: vProjectGateway.optional(),
    egress: z.enum(["open", "none"], "open or none").default("open"),
    env: vVariables.default({}),
    environments: z
      .strictObject({
        dev: environment(2, "2g"),
        test: vTestEnvironment,
        deploy: vDeployEnvironment,
      })
      .prefault({}),
  })
  .superRefine((manifest, context) => {
    if ((manifest.stack === undefined) === (manifest.services === undefined)) {
      context.addIssue({
        code: "custom",
        path: [manifest.stack === undefined ? "stack" : "services"],
        message: "exactly one of stack (one service, named app) and services",
      });
    }
    const services = Object.entries(manifest.services ?? {});
    if (manifest.services && (services.length === 0 || services.length > LIMITS.services)) {
      context.addIssue({
        code: "custom",
        path: ["services"],
        message: `1 to ${LIMITS.services} services`,
      });
    }
    if (manifest.source === undefined) refuseSharedFolders(services, context);
    const names = manifest.services ? Object.keys(manifest.services) : ["app"];
    for (const [index, { alias }] of manifest.attachments.entries()) {
      if (!names.includes(alias)) continue;
      const message = `an alias that no service has: ${alias} is one`;
      context.addIssue({ code: "custom", path: ["attachments", index, "alias"], message });
    }
    const routes = new Map<string, string>();
    for (const [name, service] of services) {
      if (service.route === undefined) continue;
      const key = service.route.replace(/\/+$/, "") || "/";
      const owner = routes.get(key);
      if (owner) {
        context.addIssue({
          code: "custom",
          path: ["services", name, "route"],
          message: `a prefix of its own: ${owner} has this one`,
        });
      }
      routes.set(key, name);
    }
  });

/** Two starters in one folder would overwrite each other; of a source of its own a project may share what it likes. */
function refuseSharedFolders(services: [string, ManifestService][], context: z.RefinementCtx): void {
  const owners = new Map<string, string>();
  const several = services.filter(([, { stack }]) => stack !== undefined).length > 1;
  for (const [name, service] of services) {
    if (service.stack === undefined) continue;
    const folder = service.folder ?? (several ? name : ".");
    const owner = owners.get(folder);
    if (owner !== undefined || (several && folder === ".")) {
      const message = `a folder of its own${owner === undefined ? "" : `: ${owner} has this one`}, as there is no source`;
      context.addIssue({ code: "custom", path: ["services", name, "folder"], message });
    }
    owners.set(folder, name);
  }
}

export type ManifestInput = z.input<typeof vManifest>;
export type Manifest = z.output<typeof vManifest>;
export type ManifestService = z.output<typeof vService>;

/**
 * The services that a manifest runs: its own, or the one service `app` that a bare `stack` stands for.
 * A single service with no `route` serves `/`.
 */
export function servicesOf(manifest: Manifest): Record<string, ManifestService> {
  if (manifest.services === undefined) return { app: { stack: manifest.stack, route: "/" } };
  const entries = Object.entries(manifest.services);
  const [only] = entries;
  if (entries.length === 1 && only && only[1].route === undefined && !(only[1].image && !only[1].port)) {
    return { [only[0]]: { ...only[1], route: "/" } };
  }
  return manifest.services;
}

/** A stack's test program, or a command given for the test environment, ends by itself; an image's own serves. */
export function isJob({ environments }: Manifest, kind: EnvironmentKind, service: ManifestService): boolean {
  return kind === "test" && (service.stack !== undefined || environments.test.command !== undefined);
}

/** Whether the gateway leads to anything of `kind` while that runs. */
export function hasRoute(manifest: Manifest, kind: EnvironmentKind): boolean {
  return Object.values(servicesOf(manifest)).some(
    (service) => service.route !== undefined && !isJob(manifest, kind, service),
  );
}

/**
 * Where each service that runs on a stack has its files, below /workspace: as its manifest says, else the only one at
 * the top (`.`), and several each in a folder named for the service.
 */
export function foldersOf(manifest: Manifest): Map<string, string> {
  const stacked = Object.entries(servicesOf(manifest)).filter(([, { stack }]) => stack !== undefined);
  return new Map(
    stacked.map(([name, { folder }]) => [name, folder ?? (stacked.length > 1 ? name : ".")] as const),
  );
}

/**
 * Checks a manifest as a user wrote it (already parsed from YAML or JSON) and fills in the defaults.
 * @throws SlipwayError `bad_manifest`, naming each path, the value there and what is allowed
 */
export function parseManifest(input: unknown): Manifest {
  const parsed = vManifest.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(input, issue));
  throw new SlipwayError({
    code: "bad_manifest",
    message: `The manifest is refused: ${problems.join("; ")}.`,
    path: parsed.error.issues[0]?.path.join(".") ?? "",
    hint: "Correct these and try again; nothing was changed.",
  });
}

/** `environments.dev.cpus: got "two", expected a number of CPUs` for one of zod's issues. */
function describeIssue(input: unknown, issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${[...issue.path, key].join(".")}: an unknown key`);
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues.map((inner) => inner.message).join(", ");
    return [`${issue.path.join(".")}: a bad name, expected ${expected}`];
  }
  const where = issue.path.length === 0 ? "(the whole manifest)" : issue.path.join(".");
  const value = issue.path.reduce<unknown>(
    (at, key) =>
      at !== null && typeof at === "object" ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
  const shown = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  // A password in a URL must not reach a log by way of the error that refuses it.
  const got = shown.replace(/\/\/[^/\s]*@/g, "//…@").slice(0, 80);
  return [`${where}: got ${got}, expected ${issue.message.replace(/^Invalid input: expected /, "")}`];
}

import { z } from "zod";
import { SlipwayError } from "./errors.ts";
import { vDomains, vProjectGateway, vServiceGateway } from "./gatewaySettings.ts";
import { vGroupName } from "./groups.ts";
import { parseDuration, parseMemory } from "./units.ts";

/** The manifest of a project (DESIGN.md §8): what a user writes in `slipway.yml`, checked and with defaults filled in. */

export const STACK_NAME = /^[a-z][a-z0-9-]{0,30}$/;
const SERVICE_NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const IMAGE = /^[a-z0-9][a-z0-9._/:@-]{0,254}$/i;
const PATH_PREFIX = /^\/(?:[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*\/?)?$/;

/** Variables that Slipway sets itself, so that a service can trust them. */
export const RESERVED_VARIABLE = /^(SLIPWAY_.*|PORT)$/;

const MEBIBYTE = 1024 ** 2;
export const LIMITS = {
  cpus: { least: 0.1, most: 64 },
  memoryBytes: { least: 64 * MEBIBYTE, most: 1024 ** 4 },
  diskBytes: { least: 16 * MEBIBYTE, most: 16 * 1024 ** 4 },
  testTimeoutMs: { least: 1000, most: 24 * 3_600_000 },
  replicas: { least: 1, most: 16 },
  services: 16,
  variables: 128,
  variableLength: 8192,
} as const;

const vCpus = z
  .number({ error: "a number of CPUs, like 0.5 or 2" })
  .min(LIMITS.cpus.least, `at least ${LIMITS.cpus.least} CPU`)
  .max(LIMITS.cpus.most, `at most ${LIMITS.cpus.most} CPUs`);

const vMemory = z.string({ error: "a size with its unit, like 512m or 2g" }).superRefine((text, context) => {
  const bytes = parseMemory(text);
  if (bytes === null) context.addIssue({ code: "custom", message: "a size with its unit, like 512m or 2g" });
  else if (bytes < LIMITS.memoryBytes.least) context.addIssue({ code: "custom", message: "at least 64m" });
  else if (bytes > LIMITS.memoryBytes.most) context.addIssue({ code: "custom", message: "at most 1024g" });
});

/** The size of a volume, with its unit. */
export const vDisk = z.string({ error: "a size with its unit, like 500m or 10g" }).superRefine((text, context) => {
  const bytes = parseMemory(text);
  if (bytes === null) context.addIssue({ code: "custom", message: "a size with its unit, like 500m or 10g" });
  else if (bytes < LIMITS.diskBytes.least) context.addIssue({ code: "custom", message: "at least 16m" });
  else if (bytes > LIMITS.diskBytes.most) context.addIssue({ code: "custom", message: "at most 16384g" });
});

const vTestTimeout = z
  .string({ error: "a duration with its unit, like 90s or 15m" })
  .superRefine((text, context) => {
    const milliseconds = parseDuration(text);
    const problem = (message: string) => context.addIssue({ code: "custom", message });
    if (milliseconds === null) problem("a duration with its unit, like 90s or 15m");
    else if (milliseconds < LIMITS.testTimeoutMs.least) problem("at least 1s");
    else if (milliseconds > LIMITS.testTimeoutMs.most) problem("at most 24h");
  });

const vVariables = z
  .record(
    z.string().regex(VARIABLE_NAME, "a variable name: letters, digits and _, not starting with a digit"),
    z
      .union([z.string(), z.number(), z.boolean()], { error: "text, a number, true or false" })
      .transform(String)
      .pipe(z.string().max(LIMITS.variableLength, `at most ${LIMITS.variableLength} characters`)),
  )
  .superRefine((variables, context) => {
    const names = Object.keys(variables);
    if (names.length > LIMITS.variables) {
      context.addIssue({ code: "custom", message: `at most ${LIMITS.variables} variables` });
    }
    for (const name of names.filter((name) => RESERVED_VARIABLE.test(name))) {
      context.addIssue({ code: "custom", path: [name], message: "a name that Slipway does not set itself" });
    }
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
    route: z.string().regex(PATH_PREFIX, "a path prefix, like / or /api").optional(),
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
    /** Whether the service gets a port of the host, at 127.0.0.1. */
    publish: z.boolean({ error: "true or false" }).optional(),
    /** How the gateway treats the requests of its route. */
    gateway: vServiceGateway.optional(),
  })
  .superRefine((service, context) => {
    if ((service.stack === undefined) === (service.image === undefined)) {
      context.addIssue({ code: "custom", message: "exactly one of stack and image" });
    }
    if (service.image !== undefined && service.route !== undefined && service.port === undefined) {
      context.addIssue({
        code: "custom",
        path: ["port"],
        message: "the port that the image listens on, as it has a route",
      });
    }
  });

const environment = <More extends z.ZodRawShape>(cpus: number, memory: string, more: More) =>
  z
    .strictObject({
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
      ...more,
    })
    .prefault({});

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
    group: vGroupName.optional(),
    /** Names of its own, which the deploy environment answers. */
    domains: vDomains.optional(),
    gateway: vProjectGateway.optional(),
    egress: z.enum(["open", "none"], "open or none").default("open"),
    env: vVariables.default({}),
    environments: z
      .strictObject({
        dev: environment(2, "2g", {}),
        /** `timeout`: how long the tests may take. */
        test: environment(1, "1g", { timeout: vTestTimeout.default("15m") }),
        deploy: environment(1, "1g", {}),
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
  const got = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value)).slice(0, 80);
  return [`${where}: got ${got}, expected ${issue.message.replace(/^Invalid input: expected /, "")}`];
}

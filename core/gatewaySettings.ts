import * as z from "zod";
import { DOMAIN, ROUTE_LIMITS, vRedirect, vRouteSettings, type RouteSettings } from "./routes.ts";
import { parseDuration, parseMemory } from "./units.ts";

/**
 * What a manifest says of the gateway: `services.<name>.gateway` for one service's route, `gateway` for the project,
 * `domains` for its own names. They end in the route table (core/routes.ts); there are no raw snippets.
 */

export const MAX_DOMAINS = 32;

const vSize = z
  .string({ error: "a size with its unit, like 100m" })
  .refine(
    (text) => (parseMemory(text) ?? -1) >= 0 && parseMemory(text)! <= ROUTE_LIMITS.maxBodyBytes,
    "a size with its unit, like 100m, up to 1024g",
  );

const vTimeout = z
  .string({ error: "a duration with its unit, like 30s" })
  .refine(
    (text) => (parseDuration(text) ?? 0) >= 1 && parseDuration(text)! <= ROUTE_LIMITS.timeoutMs,
    "a duration with its unit, like 30s, from 1ms to 24h",
  );

/** What `slipway` writes of a password: never the password. */
const PASSWORD_HASH = /^pbkdf2-sha256\$([1-9]\d{3,5})\$([0-9a-f]{16,64})\$([0-9a-f]{64})$/;
const MOST_ITERATIONS = 200_000;

const vCredential = z
  .strictObject({
    user: z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,64}$/, "1 to 64 visible characters without a colon"),
    /** The name of the project's secret that is the password. */
    secret: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "a secret's name")
      .optional(),
    hash: z
      .string()
      .refine(
        (text) => Number(PASSWORD_HASH.exec(text)?.[1] ?? Infinity) <= MOST_ITERATIONS,
        "pbkdf2-sha256$<1000 to 200000 iterations>$<salt in hex>$<hash in hex>",
      )
      .optional(),
  })
  .refine(
    ({ secret, hash }) => (secret === undefined) !== (hash === undefined),
    "exactly one of secret and hash",
  );

export const vServiceGateway = z.strictObject({
  /** Of a request's body; default 1g. */
  bodySize: vSize.optional(),
  timeouts: z
    .strictObject({
      /** To connect to the container; default 2s. */
      connect: vTimeout.optional(),
      /** Between two writes to it; default 30s. */
      send: vTimeout.optional(),
      /** Between two reads from it; default 60s. */
      read: vTimeout.optional(),
      /** For which a WebSocket or an event stream may stay silent; default 1h. */
      stream: vTimeout.optional(),
    })
    .optional(),
  redirects: z.array(vRedirect).max(ROUTE_LIMITS.redirects, `at most ${ROUTE_LIMITS.redirects}`).optional(),
  basicAuth: z
    .array(vCredential)
    .min(1, "at least one user")
    .max(ROUTE_LIMITS.users, `at most ${ROUTE_LIMITS.users} users`)
    .refine((users) => new Set(users.map(({ user }) => user)).size === users.length, "each user once")
    .optional(),
  /** Client addresses and networks that may come in; without it everybody may. */
  allow: vRouteSettings.shape.allowIps,
  /** Set on every answer of the service. */
  headers: vRouteSettings.shape.responseHeaders,
  /** Whether the container sees the path without the service's `route`. */
  stripPrefix: z.boolean({ error: "true or false" }).optional(),
});

const vRateLimit = z.strictObject({
  perSecond: z
    .number({ error: "requests a second, from 0.1 to 1000000" })
    .min(0.1, "at least 0.1")
    .max(1_000_000, "at most 1000000"),
  /** How many may come at once above the average. */
  burst: z.int("a whole number").min(0, "at least 0").max(1_000_000, "at most 1000000").default(0),
});

export const vProjectGateway = z.strictObject({
  rateLimit: z
    .strictObject({
      /** Of all requests to the project; default 5000 a second. */
      project: vRateLimit.optional(),
      /** Of those of one client address; default 1000 a second. */
      client: vRateLimit.optional(),
    })
    .optional(),
  /** Requests (a WebSocket is one) that one client address may have in progress at once. */
  connections: z
    .int("a whole number")
    .min(1, "at least 1")
    .max(ROUTE_LIMITS.connections, `at most ${ROUTE_LIMITS.connections}`)
    .optional(),
});

export type ServiceGateway = z.output<typeof vServiceGateway>;
export type ProjectGateway = z.output<typeof vProjectGateway>;

/** A name as DNS has it, in lower case and punycode; null where `text` is none that a project can have. */
export function domainName(text: string): string | null {
  const name = hostName(text);
  if (name === null || !DOMAIN.test(name)) return null;
  const isAddress = /\.\d+$/.test(name);
  return !isAddress && !isBelow(name, "localhost") ? name : null;
}

/** A host's name or IPv4 address as URLs have it, in lower case and punycode; null where `text` is more than a host. */
export function hostName(text: string): string | null {
  // What URL would take for a port, a path or a user must not be dropped in silence.
  if (!/^[^\s/:?#@\\%*[\]]+$/.test(text)) return null;
  try {
    return new URL(`http://${text.replace(/\.$/, "")}/`).hostname;
  } catch {
    return null;
  }
}

/** Whether `name` is `parent` or ends with it, label by label. */
export function isBelow(name: string, parent: string): boolean {
  return name === parent || name.endsWith(`.${parent}`);
}

const vDomainName = z.string({ error: "a domain name, like shop.example.com" }).transform((text, context) => {
  const name = domainName(text);
  if (name !== null) return name;
  context.addIssue({
    code: "custom",
    message: "a domain name like shop.example.com: no address, no wildcard, not below localhost",
    input: text,
  });
  return z.NEVER;
});

/** The project's own names, which its deploy environment answers. */
export const vDomains = z
  .array(vDomainName)
  .max(MAX_DOMAINS, `at most ${MAX_DOMAINS} domains`)
  .refine((names) => new Set(names).size === names.length, "each domain once");

/**
 * A service's settings as the route table has them.
 * @returns `missing`: the secrets that passwords are to come from and that are not there (worker/secrets.ts puts hashes
 *   in their place); with any of them the route must not serve
 */
export function routeSettingsOf(gateway: ServiceGateway): { settings: RouteSettings; missing: string[] } {
  const { bodySize, timeouts = {}, redirects, basicAuth, allow, headers } = gateway;
  const users = basicAuth?.flatMap(({ user, hash }) => {
    const [, iterations, saltHex, hashHex] = PASSWORD_HASH.exec(hash ?? "") ?? [];
    if (iterations === undefined || saltHex === undefined || hashHex === undefined) return [];
    return [{ user, saltHex, hashHex, iterations: Number(iterations) }];
  });
  const settings: Record<keyof RouteSettings, unknown> = {
    maxBodyBytes: bodySize === undefined ? undefined : parseMemory(bodySize)!,
    connectTimeoutMs: milliseconds(timeouts.connect),
    sendTimeoutMs: milliseconds(timeouts.send),
    readTimeoutMs: milliseconds(timeouts.read),
    streamTimeoutMs: milliseconds(timeouts.stream),
    redirects,
    basicAuth: users?.length === 0 ? undefined : users,
    allowIps: allow,
    responseHeaders: headers,
  };
  return {
    settings: Object.fromEntries(
      Object.entries(settings).filter(([, value]) => value !== undefined),
    ) as RouteSettings,
    missing: (basicAuth ?? []).flatMap(({ hash, secret }) => (hash === undefined ? [secret!] : [])),
  };
}

function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)!;
}

/** A password as `basicAuth` keeps it. */
export function passwordHash(parts: { iterations: number; saltHex: string; hashHex: string }): string {
  return `pbkdf2-sha256$${parts.iterations}$${parts.saltHex}$${parts.hashHex}`;
}

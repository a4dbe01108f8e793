import * as z from "zod";
import { MAX_SLUG_LENGTH, NAMESPACE, SLUG } from "./naming.ts";
import { plain } from "./text.ts";

/**
 * The gateway's route table: what the worker pushes and what nginx answers from (DESIGN.md §5). The gateway checks the
 * same rules again in Lua (docker/nginx/lua/slipway/schema.lua), because a table that is wrong must never replace a good one.
 *
 * Everything that people want raw nginx snippets for is a typed field here.
 */

/** What an environment answers: requests go to its services only while it is `serving`; else a page says why. */
export const ROUTE_STATES = ["serving", "starting", "paused", "hibernated", "failed", "absent"] as const;
export type RouteState = (typeof ROUTE_STATES)[number];

/** A path prefix without a trailing slash, or `/`: what nginx compares byte by byte, so nothing that needs encoding. */
const PREFIX = /^\/$|^(?:\/[A-Za-z0-9._~-]+)+$/;
export const DOMAIN =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;
/** An address, or a name that every machine has for itself. */
const NOBODYS_DOMAIN = /\.(?:\d+|localhost)$/;
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;
/** Visible ASCII and spaces: no line break can reach a response. */
const HEADER_VALUE = /^[\x20-\x7e]{0,1024}$/;
const REDIRECT_TARGET = /^(?:\/(?!\/)|https?:\/\/)[\x21-\x7e]{0,1000}$/;
const SERVICE = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** Headers that the gateway itself answers for: framing, hop-by-hop, cookies. */
const UNSETTABLE_HEADERS = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "date",
  "keep-alive",
  "location",
  "proxy-authenticate",
  "server",
  "set-cookie",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export const ROUTE_LIMITS = {
  upstreams: 64,
  services: 32,
  domains: 64,
  redirects: 128,
  headers: 32,
  users: 64,
  networks: 128,
  /** UTF-16 code units. */
  messageLength: 500,
  prefixLength: 500,
  weight: 1000,
  connections: 100_000,
  maxBodyBytes: 1024 ** 4,
  timeoutMs: 24 * 3600 * 1000,
} as const;

const duration = z.int().min(1).max(ROUTE_LIMITS.timeoutMs);

/** Addresses that no container of a project has: the gateway's own, link-local (cloud metadata), multicast, any. */
const NEVER_A_CONTAINER =
  /^(?:0\.|127\.|169\.254\.|2(?:2[4-9]|[34]\d|5[0-5])\.|::|[0-9a-f]{1,2}:|fe[89ab].:|ff..:)/;

function isContainerAddress(address: string): boolean {
  // IPv6 has many spellings of one address; URL knows the shortest.
  const plain = address.includes(":") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
  return !NEVER_A_CONTAINER.test(plain);
}

export const vUpstream = z.strictObject({
  /** A container's address on its environment's network, as the worker has just seen it. */
  address: z.union([z.ipv4(), z.ipv6()]).refine(isContainerAddress, "an address that a container can have"),
  port: z.int().min(1).max(65535),
  /** Docker's id of that container, short: who reads the table later can tell whether the address is still its own. */
  container: z
    .string()
    .regex(/^[0-9a-f]{12}$/, "12 hex digits")
    .optional(),
  /** Its share of new requests among the service's upstreams; 0 sends none (canary: 1 beside 99). */
  weight: z.int().min(0).max(ROUTE_LIMITS.weight).default(1),
  /** Finishes what it has, gets nothing new. */
  draining: z.boolean().default(false),
  /** While a rollout goes on: whether it serves what served before, or what is to. Requests are counted by it. */
  side: z.enum(["old", "new"]).optional(),
  /** Gets nothing, until the rollout undoes itself: then it and the others that stand by get everything. */
  standby: z.boolean().optional(),
});

/** The phases of a rollout as the gateway counts its requests: before the switch, while the old ones drain, after. */
export const ROLLOUT_PHASES = ["before", "during", "after"] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

/** That requests of the environment are counted, and when the gateway itself goes back to the old containers. */
export const vRollout = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/, "lower-case letters, digits and -"),
  phase: z.enum(ROLLOUT_PHASES),
  /**
   * It is undone once so many requests of the new side have failed, or so many clients have waited in vain, and their share
   * is so many percentage points above that of the old side before the switch.
   */
  guard: z
    .strictObject({ errors: z.int().min(1).max(1_000_000), points: z.number().min(0).max(100) })
    .optional(),
});

/** One user of HTTP basic auth. The password is kept as PBKDF2-HMAC-SHA256, never in clear. */
export const vBasicAuthUser = z.strictObject({
  user: z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,64}$/, "1 to 64 visible characters without a colon"),
  saltHex: z.string().regex(/^[0-9a-f]{16,64}$/),
  hashHex: z.string().regex(/^[0-9a-f]{64}$/),
  iterations: z.int().min(1000).max(200_000),
});

export const vRedirect = z.strictObject({
  /** The exact path, below the environment. */
  from: z.string().regex(/^\/[\x21-\x7e]{0,500}$/, "an exact path, like /old"),
  /** A path below the environment, or a whole URL. */
  to: z.string().regex(REDIRECT_TARGET, "a path like /new, or a URL that begins with http:// or https://"),
  status: z
    .union([z.literal(301), z.literal(302), z.literal(307), z.literal(308)], "301, 302, 307 or 308")
    .default(308),
});

export const vRouteSettings = z.strictObject({
  /** Bytes of request body that are let through; default 1 GiB. */
  maxBodyBytes: z.int().min(0).max(ROUTE_LIMITS.maxBodyBytes).optional(),
  /** Milliseconds: to connect to the container; between two writes to it; between two reads from it. */
  connectTimeoutMs: duration.optional(),
  sendTimeoutMs: duration.optional(),
  readTimeoutMs: duration.optional(),
  /** Milliseconds that a WebSocket or an event stream may stay silent; default 1 h. */
  streamTimeoutMs: duration.optional(),
  redirects: z.array(vRedirect).max(ROUTE_LIMITS.redirects).optional(),
  basicAuth: z.array(vBasicAuthUser).min(1).max(ROUTE_LIMITS.users).optional(),
  /** Clients that may come in, as addresses or CIDR networks; without it everybody may. */
  allowIps: z
    .array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
        "an address or a network, like 10.0.0.0/8 or 2001:db8::1",
      ),
    )
    .min(1, "at least one address")
    .max(ROUTE_LIMITS.networks, `at most ${ROUTE_LIMITS.networks} addresses`)
    .optional(),
  responseHeaders: z
    .record(
      z
        .string()
        .regex(HEADER_NAME, "a header's name: letters, digits and -")
        .refine(
          (name) => !UNSETTABLE_HEADERS.has(name.toLowerCase()),
          "a header that the gateway lets be set",
        ),
      z.string().regex(HEADER_VALUE, "printable ASCII, up to 1024 characters"),
    )
    .refine((headers) => Object.keys(headers).length <= ROUTE_LIMITS.headers, {
      error: `at most ${ROUTE_LIMITS.headers} headers`,
    })
    .optional(),
});

export const vServiceRoute = z.strictObject({
  service: z.string().regex(SERVICE),
  /** The longest prefix that matches wins; `/api` matches `/api` and `/api/…`, not `/apis`. */
  prefix: z
    .string()
    .max(ROUTE_LIMITS.prefixLength)
    .regex(PREFIX, "a path prefix without a trailing slash, like / or /api"),
  /** Whether the container sees the path without `prefix`. */
  stripPrefix: z.boolean().default(false),
  upstreams: z.array(vUpstream).max(ROUTE_LIMITS.upstreams),
  settings: vRouteSettings.optional(),
});

/** The gateway refuses half a surrogate pair, and with it all that is pushed beside it. */
function shown(message: string): string {
  return plain(message).toWellFormed();
}

/** That a rollout was undone: what tells the next worker not to begin it anew (core/rollout.ts, `UndoneRollout`). */
export const vUndone = z.strictObject({
  id: vRollout.shape.id,
  revisions: z.string().max(1000),
  attempt: z.int().min(0),
  cause: z.string().max(ROUTE_LIMITS.messageLength).transform(shown),
});

export const vEnvironmentRoute = z
  .strictObject({
    state: z.enum(ROUTE_STATES),
    /** A sentence for the status page of a state that does not serve. */
    message: z.string().max(ROUTE_LIMITS.messageLength).transform(shown).optional(),
    rollout: vRollout.optional(),
    undone: vUndone.optional(),
    services: z.array(vServiceRoute).max(ROUTE_LIMITS.services),
  })
  .superRefine((environment, context) => {
    const prefixes = environment.services.map((service) => service.prefix);
    for (const [index, prefix] of prefixes.entries()) {
      if (prefixes.indexOf(prefix) !== index) {
        context.addIssue({
          code: "custom",
          path: ["services", index, "prefix"],
          message: "a prefix of its own",
        });
      }
    }
  });

export const vDomain = z.strictObject({
  name: z
    .string()
    .regex(DOMAIN, "a lower-case domain name, like shop.example.com")
    .refine((name) => !NOBODYS_DOMAIN.test(name), "no address, and no name below localhost"),
  environment: z.enum(["dev", "test", "deploy"]),
});

/** Requests per second that are let through on average, and how many may come at once above that. */
export const vRate = z.strictObject({
  perSecond: z.number().min(0.1).max(1_000_000),
  burst: z.int().min(0).max(1_000_000),
});

export const vProjectRoutes = z
  .strictObject({
    namespace: z.string().regex(NAMESPACE),
    slug: z.string().regex(SLUG).max(MAX_SLUG_LENGTH),
    /** Rises with every push of this project; the gateway refuses an older one. */
    version: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
    environments: z.strictObject({
      dev: vEnvironmentRoute.optional(),
      test: vEnvironmentRoute.optional(),
      deploy: vEnvironmentRoute.optional(),
    }),
    domains: z.array(vDomain).max(ROUTE_LIMITS.domains).default([]),
    /** Over these a request is answered 429; defaults are the gateway's. */
    limits: z
      .strictObject({
        project: vRate.optional(),
        /** Of one client address to this project. */
        client: vRate.optional(),
        /** Requests (a WebSocket is one) that one client address may have in progress at once. */
        connections: z.int().min(1).max(ROUTE_LIMITS.connections).optional(),
      })
      .optional(),
  })
  .superRefine((project, context) => {
    const names = project.domains.map((domain) => domain.name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) !== index) {
        context.addIssue({
          code: "custom",
          path: ["domains", index, "name"],
          message: "a domain listed once",
        });
      }
    }
  });

export type Upstream = z.output<typeof vUpstream>;
export type RolloutMark = z.output<typeof vRollout>;
export type RouteSettings = z.output<typeof vRouteSettings>;
export type ServiceRoute = z.output<typeof vServiceRoute>;
export type EnvironmentRoute = z.output<typeof vEnvironmentRoute>;
export type ProjectRoutes = z.output<typeof vProjectRoutes>;
/** As a caller writes it: fields with a default may be left out. */
export type ProjectRoutesInput = z.input<typeof vProjectRoutes>;

/** Where the shared nginx shows an environment: `/projects/<namespace>/<environment>`, with no slash at the end. */
export function environmentPath(namespace: string, environment: string): string {
  return `/projects/${namespace}/${environment}`;
}

/** The name under which an environment has an origin of its own: `<environment>--<slug>.<baseDomain>`. */
export function environmentHost(slug: string, environment: string, baseDomain: string): string {
  return `${environment}--${slug}.${baseDomain}`;
}

import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { parseBaseDomain } from "../core/baseDomain.ts";
import { SlipwayError } from "../core/errors.ts";
import type { AcmeSettings } from "./certificates/acmeIssuer.ts";
import { DEFAULT_SUBNET_POOL, formatCidr, parsePool } from "../core/subnets.ts";
import { HTTPS_REDIRECTS, type HttpsRedirect } from "./gateway/config.ts";

const vList = z
  .string()
  .default("")
  .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ""));
/** Where `npm start` has the dashboard built. */
const DASHBOARD = fileURLToPath(new URL("../dashboard/dist", import.meta.url));

const vPort = z.coerce.number().int().min(1).max(65535);

const vEnvironment = z.object({
  CONVEX_URL: z.url(),
  SLIPWAY_TOKEN_FILE: z.string().min(1),
  SLIPWAY_DATA: z.string().min(1),
  SLIPWAY_INSTANCE: z.string().regex(/^[a-z0-9]{8}$/, "8 lower-case letters and digits"),
  SLIPWAY_HTTP_PORT: vPort,
  /** Without it the gateway has no TLS. */
  SLIPWAY_HTTPS_PORT: vPort.optional(),
  SLIPWAY_HTTPS_REDIRECT: z.enum(HTTPS_REDIRECTS).default("domains"),
  SLIPWAY_TRUSTED_PROXIES: vList,
  SLIPWAY_ACME_DIRECTORY: z.url({ protocol: /^https$/ }).optional(),
  SLIPWAY_ACME_EMAIL: z.email().optional(),
  SLIPWAY_ACME_CA: z.string().min(1).optional(),
  SLIPWAY_HTTP_BIND: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
  SLIPWAY_BASE_DOMAIN: z.string().optional(),
  SLIPWAY_SUBNET_POOL: z.string().default(DEFAULT_SUBNET_POOL),
  SLIPWAY_HOST_NAME: z.string().min(1).default(hostname()),
  SLIPWAY_DASHBOARD_DIR: z.string().min(1).default(DASHBOARD),
});

export type WorkerConfig = {
  convexUrl: string;
  /** A file with a JWT of the role `worker`. */
  tokenFile: string;
  dataDir: string;
  instanceId: string;
  httpPort: number;
  httpsPort: number | undefined;
  httpsRedirect: HttpsRedirect;
  trustedProxies: string[];
  /** Null: no public authority is asked for certificates. */
  acme: AcmeSettings | null;
  httpBind: string;
  baseDomain: string;
  /** IPv4 in CIDR form: where containers' addresses are taken to lie until the control plane says where they do. */
  subnetPool: string;
  hostName: string;
  /** The folder with the built dashboard. */
  dashboardDir: string;
};

/** A variable that is set to nothing is not set. */
function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
}

/** @throws SlipwayError `setup`, naming each variable that is missing or wrong */
export function workerConfig(environment: NodeJS.ProcessEnv): WorkerConfig {
  const parsed = vEnvironment.safeParse(withoutEmpty(environment));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new SlipwayError({
      code: "setup",
      message: `The worker's environment is incomplete: ${problems.join("; ")}.`,
      hint: "Start it with `slipway up`, which sets these.",
    });
  }
  const { data } = parsed;
  return {
    convexUrl: data.CONVEX_URL,
    tokenFile: data.SLIPWAY_TOKEN_FILE,
    dataDir: data.SLIPWAY_DATA,
    instanceId: data.SLIPWAY_INSTANCE,
    httpPort: data.SLIPWAY_HTTP_PORT,
    httpsPort: data.SLIPWAY_HTTPS_PORT,
    httpsRedirect: data.SLIPWAY_HTTPS_REDIRECT,
    trustedProxies: data.SLIPWAY_TRUSTED_PROXIES,
    acme:
      data.SLIPWAY_ACME_DIRECTORY === undefined
        ? null
        : {
            directory: data.SLIPWAY_ACME_DIRECTORY,
            email: data.SLIPWAY_ACME_EMAIL,
            caFile: data.SLIPWAY_ACME_CA,
          },
    httpBind: data.SLIPWAY_HTTP_BIND,
    baseDomain: parseBaseDomain(data.SLIPWAY_BASE_DOMAIN),
    subnetPool: formatCidr(parsePool(data.SLIPWAY_SUBNET_POOL)),
    hostName: data.SLIPWAY_HOST_NAME,
    dashboardDir: data.SLIPWAY_DASHBOARD_DIR,
  };
}

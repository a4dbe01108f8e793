import { hostname } from "node:os";
import { z } from "zod";
import { SlipwayError } from "../core/errors.ts";

const vPort = z.coerce.number().int().min(1).max(65535);

const vEnvironment = z.object({
  CONVEX_URL: z.url(),
  SLIPWAY_TOKEN_FILE: z.string().min(1),
  SLIPWAY_DATA: z.string().min(1),
  SLIPWAY_INSTANCE: z.string().regex(/^[a-z0-9]{8}$/, "8 lower-case letters and digits"),
  SLIPWAY_HTTP_PORT: vPort,
  SLIPWAY_HTTP_BIND: z.union([z.ipv4(), z.ipv6()]).default("127.0.0.1"),
  SLIPWAY_BASE_DOMAIN: z.string().min(1).default("localhost"),
  SLIPWAY_HOST_NAME: z.string().min(1).default(hostname()),
});

export type WorkerConfig = {
  convexUrl: string;
  /** A file with a JWT of the role `worker`. */
  tokenFile: string;
  dataDir: string;
  instanceId: string;
  httpPort: number;
  httpBind: string;
  baseDomain: string;
  hostName: string;
};

/** @throws SlipwayError `setup`, naming each variable that is missing or wrong */
export function workerConfig(environment: NodeJS.ProcessEnv): WorkerConfig {
  const parsed = vEnvironment.safeParse(environment);
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
    httpBind: data.SLIPWAY_HTTP_BIND,
    baseDomain: data.SLIPWAY_BASE_DOMAIN,
    hostName: data.SLIPWAY_HOST_NAME,
  };
}

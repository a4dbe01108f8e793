import { join } from "node:path";
import { dataPaths, REPOSITORY } from "../setup/dataDir.ts";
import type { Instance } from "../setup/instance.ts";
import type { Keys } from "../setup/keys.ts";
import { ManagedChild, type ChildHooks } from "./managedChild.ts";
import { nodeCommand } from "./nodeCommand.ts";
import { STOP_WITHIN_MS } from "./stopProcess.ts";

const READY_WITHIN_MS = 60_000;

/** What the deployment's functions read from their environment. */
export function deploymentVariables(instance: Instance, keys: Keys): Record<string, string> {
  return {
    SLIPWAY_JWKS: keys.jwks,
    SLIPWAY_SECRETS_KEY: keys.secretsKey,
    SLIPWAY_SUBNET_POOL: instance.subnetPool,
    SLIPWAY_BASE_DOMAIN: process.env.SLIPWAY_BASE_DOMAIN || "localhost",
  };
}

/** The embedded backend's process: `embedded/main.ts`, serving this checkout's `convex/`. */
export function backendChild(
  dataDir: string,
  instance: Instance,
  keys: Keys,
  hooks: ChildHooks,
): ManagedChild {
  const flags = [
    ...["--dir", join(REPOSITORY, "convex"), "--db", dataPaths(dataDir).database],
    ...["--port", String(instance.backendPort), "--site-port", String(instance.sitePort)],
    ...["--admin-key-file", keys.adminKeyPath],
    ...Object.entries(deploymentVariables(instance, keys)).flatMap(([name, value]) => [
      "--env",
      `${name}=${value}`,
    ]),
  ];
  return new ManagedChild(
    {
      name: "backend",
      command: nodeCommand("embedded/main.ts", ...flags),
      cwd: REPOSITORY,
      env: process.env,
      logPath: join(dataPaths(dataDir).logs, "backend.log"),
      isReadyLine: (line) => line.includes('"event":"ready"'),
      readyWithinMs: READY_WITHIN_MS,
      stopWithinMs: STOP_WITHIN_MS.backend,
    },
    hooks,
  );
}

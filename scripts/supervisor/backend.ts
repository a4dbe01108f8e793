import { join } from "node:path";
import { parseBaseDomain } from "../../core/baseDomain.ts";
import { dataPaths, REPOSITORY } from "../setup/dataDir.ts";
import type { Instance } from "../setup/instance.ts";
import type { Keys } from "../setup/keys.ts";
import { ManagedChild, type ChildHooks } from "./managedChild.ts";
import { nodeCommand } from "../setup/nodeCommand.ts";
import { STOP_WITHIN_MS } from "./stopProcess.ts";

const READY_WITHIN_MS = 60_000;

/** What the deployment's functions read from their environment. */
export function deploymentVariables(instance: Instance, keys: Keys): Record<string, string> {
  return {
    SLIPWAY_JWKS: keys.jwks,
    SLIPWAY_SECRETS_KEY: keys.secretsKey,
    SLIPWAY_SUBNET_POOL: instance.subnetPool,
    SLIPWAY_BASE_DOMAIN: parseBaseDomain(process.env.SLIPWAY_BASE_DOMAIN),
  };
}

/**
 * What only the embedded backend is given, so that it can sign tokens for admins (convex/tokens.ts): it runs beside the
 * file that the key is in. A backend elsewhere never gets it.
 */
export function embeddedSecrets({ privateJwk }: Keys): Record<string, string> {
  return { SLIPWAY_SIGNING_KEY: JSON.stringify(privateJwk) };
}

/** The embedded backend's process: `embedded/main.ts`, serving this checkout's `convex/`. */
export function backendChild(
  dataDir: string,
  instance: Instance,
  keys: Keys,
  hooks: ChildHooks,
): ManagedChild {
  const secrets = embeddedSecrets(keys);
  const flags = [
    ...["--dir", join(REPOSITORY, "convex"), "--db", dataPaths(dataDir).database],
    ...["--port", String(instance.backendPort), "--site-port", String(instance.sitePort)],
    ...["--admin-key-file", keys.adminKeyPath],
    ...Object.entries(deploymentVariables(instance, keys)).flatMap(([name, value]) => [
      "--env",
      `${name}=${value}`,
    ]),
    ...Object.keys(secrets).flatMap((name) => ["--secret-env", name]),
  ];
  return new ManagedChild(
    {
      name: "backend",
      command: nodeCommand("embedded/main.ts", ...flags),
      cwd: REPOSITORY,
      // Arguments can be read by everybody on the machine, this by nobody else.
      env: { ...process.env, ...secrets },
      logPath: join(dataPaths(dataDir).logs, "backend.log"),
      isReadyLine: (line) => line.includes('"event":"ready"'),
      readyWithinMs: READY_WITHIN_MS,
      stopWithinMs: STOP_WITHIN_MS.backend,
    },
    hooks,
  );
}

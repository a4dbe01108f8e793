import { hostname } from "node:os";
import { join } from "node:path";
import { parseBaseDomain } from "../../core/baseDomain.ts";
import { dataPaths, REPOSITORY } from "../setup/dataDir.ts";
import type { Instance } from "../setup/instance.ts";
import { ManagedChild, type ChildHooks } from "./managedChild.ts";
import { nodeCommand } from "../setup/nodeCommand.ts";
import { STOP_WITHIN_MS } from "./stopProcess.ts";

const READY_WITHIN_MS = 120_000;
/** What `worker/main.ts` ends with when it is fenced off. Two workers that restart each other would never rest. */
const EXIT_FENCED = 3;

export type WorkerOptions = { dataDir: string; instance: Instance; backendUrl: string; tokenPath: string };

/** The name under which this machine is known to the control plane. */
export function hostName(): string {
  return (
    process.env.SLIPWAY_HOST_NAME ||
    hostname()
      .replace(/[^A-Za-z0-9._-]/g, "-")
      .slice(0, 63) ||
    "host"
  );
}

/** The worker's process: `worker/main.ts`, configured by its environment alone. */
export function workerChild(
  { dataDir, instance, backendUrl, tokenPath }: WorkerOptions,
  hooks: ChildHooks,
): ManagedChild {
  return new ManagedChild(
    {
      name: "worker",
      command: nodeCommand("worker/main.ts"),
      cwd: REPOSITORY,
      env: {
        ...process.env,
        CONVEX_URL: backendUrl,
        SLIPWAY_TOKEN_FILE: tokenPath,
        SLIPWAY_DATA: dataDir,
        SLIPWAY_INSTANCE: instance.instanceId,
        SLIPWAY_HTTP_PORT: String(instance.httpPort),
        SLIPWAY_HTTPS_PORT: String(instance.httpsPort),
        SLIPWAY_HTTP_BIND: process.env.SLIPWAY_HTTP_BIND || "127.0.0.1",
        SLIPWAY_BASE_DOMAIN: parseBaseDomain(process.env.SLIPWAY_BASE_DOMAIN),
        SLIPWAY_SUBNET_POOL: instance.subnetPool,
        SLIPWAY_HOST_NAME: hostName(),
      },
      logPath: join(dataPaths(dataDir).logs, "worker.log"),
      isReadyLine: (line) => line.includes('"event":"ready"'),
      readyWithinMs: READY_WITHIN_MS,
      stopWithinMs: STOP_WITHIN_MS.worker,
      finalExits: {
        [EXIT_FENCED]:
          `another worker has registered the host ${hostName()}. ` +
          "Stop that one, or give this machine another name with SLIPWAY_HOST_NAME; then start Slipway again.",
      },
    },
    hooks,
  );
}

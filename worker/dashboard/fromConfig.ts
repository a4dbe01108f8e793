import type { WorkerConfig } from "../config.ts";
import { gatewayPaths, gatewayUser } from "../gateway/config.ts";
import { prepareState } from "../gateway/files.ts";
import type { Log } from "../log.ts";
import { openDashboard, type Dashboard, type DoorHandler } from "./dashboard.ts";

/** Serves nothing. Projects are served all the same, and `slipway doctor` says that the dashboard is not there. */
const NOT_SERVED: Dashboard = { close: async () => {} };

/** The dashboard of this worker's instance, in the folder that only the gateway and the worker can enter. */
export async function serveDashboard(
  config: WorkerConfig,
  version: string,
  door: DoorHandler,
  log: Log,
): Promise<Dashboard> {
  const { dataDir, instanceId, baseDomain, httpPort, httpsPort, hostName } = config;
  try {
    await prepareState({ dataDir, instanceId });
    return await openDashboard({
      socketPath: gatewayPaths(dataDir).dashboardSocket,
      owner: gatewayUser({ dataDir, instanceId }),
      folder: config.dashboardDir,
      convexUrl: config.convexUrl,
      facts: { baseDomain, httpPort, httpsPort: httpsPort ?? null, host: hostName, version },
      door,
      log,
    });
  } catch (error) {
    log("dashboard-not-served", { error });
    return NOT_SERVED;
  }
}

import type Docker from "dockerode";
import type { Clock } from "./clock.ts";
import type { WorkerConfig } from "./config.ts";
import { ensureFirewall } from "./firewall/firewall.ts";
import { ensureGateway } from "./gateway/ensure.ts";
import type { Log } from "./log.ts";

/** The firewall is looked at by a container of its own, so not with every look at everything. */
const FIREWALL_MS = 600_000;

/**
 * What all projects of a host share: the gateway and the firewall.
 * @returns makes both as they should be; calls that come while one goes on wait for that one. `engineChanged` asks for
 *   the firewall too, whenever it was looked at last
 */
export function sharedParts(
  docker: Docker,
  config: WorkerConfig,
  clock: Clock,
  log: Log,
): (engineChanged: boolean) => Promise<void> {
  let firewallAt = -Infinity;
  let going: Promise<void> = Promise.resolve();

  const ensure = async (engineChanged: boolean) => {
    const gateway = ensureGateway(docker, {
      instanceId: config.instanceId,
      dataDir: config.dataDir,
      httpPort: config.httpPort,
      bindAddress: config.httpBind,
      baseDomain: config.baseDomain,
    });
    const due = engineChanged || clock.now() - firewallAt >= FIREWALL_MS;
    const firewall = due ? ensureFirewall(docker, { instanceId: config.instanceId }) : null;
    const [gatewayReport, firewallReport] = await Promise.all([gateway, firewall]);
    for (const action of gatewayReport.actions) log("gateway", { action });
    for (const finding of firewallReport?.findings ?? []) log("firewall", { finding });
    if (due) firewallAt = clock.now();
  };

  return async (engineChanged) => {
    const mine = going.then(
      () => ensure(engineChanged),
      () => ensure(engineChanged),
    );
    going = mine;
    await mine;
  };
}

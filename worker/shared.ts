import type Docker from "dockerode";
import type { Clock } from "./clock.ts";
import type { WorkerConfig } from "./config.ts";
import type { LoopDisks } from "./disks/loopDisks.ts";
import { volumeNames } from "./disks/volumeNames.ts";
import { ensureFirewall } from "./firewall/firewall.ts";
import { ensureGateway } from "./gateway/ensure.ts";
import { GatewaySource } from "./gateway/gatewaySource.ts";
import type { Log } from "./log.ts";

/**
 * The firewall is looked at by a container of its own, which takes about a second and a few tenths of a second of CPU: so
 * not at every event of the gateway, but with each look at everything, since without its rules nothing keeps projects apart.
 */
const FIREWALL_MS = 60_000;

export type SharedConfig = Pick<
  WorkerConfig,
  "instanceId" | "dataDir" | "httpPort" | "httpBind" | "baseDomain"
> &
  Partial<Pick<WorkerConfig, "httpsPort" | "httpsRedirect" | "trustedProxies">>;

/**
 * What all projects of a host share: the gateway, the firewall, and the disks of volumes.
 * @param disks null where volumes can have none
 * @param networks where containers' addresses lie; the gateway refuses routes to others
 * @returns makes both as they should be; calls that come while one goes on wait for that one. `engineChanged` asks for
 *   the firewall too, whenever it was looked at last
 */
export function sharedParts(
  docker: Docker,
  config: SharedConfig,
  clock: Clock,
  log: Log,
  {
    disks = async () => null,
    networks,
  }: { disks?: () => Promise<LoopDisks | null>; networks: () => readonly string[] },
): (engineChanged: boolean) => Promise<void> {
  const source = new GatewaySource();
  let firewallAt = -Infinity;
  let going: Promise<void> = Promise.resolve();

  const ensure = async (engineChanged: boolean) => {
    const gateway = ensureGateway(
      docker,
      {
        instanceId: config.instanceId,
        dataDir: config.dataDir,
        httpPort: config.httpPort,
        httpsPort: config.httpsPort,
        httpsRedirect: config.httpsRedirect,
        trustedProxies: config.trustedProxies,
        bindAddress: config.httpBind,
        baseDomain: config.baseDomain,
        upstreamNetworks: networks(),
      },
      source,
    );
    const due = engineChanged || clock.elapsed() - firewallAt >= FIREWALL_MS;
    const firewall = due ? ensureFirewall(docker, { instanceId: config.instanceId }) : null;
    const [gatewayReport, firewallReport] = await Promise.all([gateway, firewall, tendDisks()]);
    for (const action of gatewayReport.actions) log("gateway", { action });
    for (const finding of firewallReport?.findings ?? []) log("firewall", { finding });
    if (due) firewallAt = clock.elapsed();
  };

  // A disk that cannot be mounted keeps back its own project only, and there it is told.
  const tendDisks = async () => {
    try {
      const done = await (await disks())?.tend(() => volumeNames(docker, config.instanceId));
      for (const action of done ?? []) log("disk", { action });
    } catch (error) {
      log("disks-failed", { error });
    }
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

import type { Check } from "./check.ts";
import { dashboardChecks } from "./dashboard.ts";
import { engineChecks } from "./engine.ts";
import { gatewayChecks, type GatewayCheckContext } from "./gateway.ts";
import { isolationChecks, type IsolationCheckContext } from "./isolation.ts";
import { machineChecks } from "./machine.ts";

export type HostCheckContext = GatewayCheckContext &
  IsolationCheckContext & {
    dataDir: string;
    /** Why `docker` is null. */
    why: string;
  };

/** All that can be found out on a host itself: the worker's own checks, and the greater part of `slipway doctor`. */
export function hostChecks(context: HostCheckContext): Check[] {
  return [
    ...machineChecks(context.dataDir),
    ...engineChecks(context.docker, context.why),
    ...gatewayChecks(context),
    ...dashboardChecks(context),
    ...isolationChecks(context),
  ];
}

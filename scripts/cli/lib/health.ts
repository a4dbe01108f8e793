import { api } from "../../../convex/_generated/api.js";
import type { FunctionReturnType } from "convex/server";
import { hostName } from "../../supervisor/worker.ts";
import { explain, failureLine, NOT_RUNNING } from "./fail.ts";
import type { Session } from "./session.ts";

/** Whether the parts of a running Slipway answer, in a few words each. */

export type Health = { ok: boolean; detail: string };
export type HostView = FunctionReturnType<typeof api.hosts.listHosts>[number];

export async function backendHealth(session: Session): Promise<Health & { hosts: HostView[] }> {
  try {
    const hosts = await session.http.query(api.hosts.listHosts, {});
    return { ok: true, detail: session.url, hosts };
  } catch (error) {
    const { data } = explain(error);
    const detail = data === NOT_RUNNING ? `nobody answers at ${session.url}` : failureLine(data);
    return { ok: false, detail, hosts: [] };
  }
}

/** This machine's worker, as the control plane knows it. */
export function workerHealth(hosts: HostView[]): Health {
  const own = hosts.find(({ name }) => name === hostName());
  if (!own) return { ok: false, detail: `no worker of ${hostName()} ever registered` };
  const [problem] = own.problems ?? [];
  if (own.state === "live" && problem !== undefined) return { ok: false, detail: `${own.name}: ${problem}` };
  const detail = {
    live: `${own.name}, lease held`,
    lost: `${own.name} sends no heartbeat`,
    left: `${own.name} has stopped`,
  };
  return { ok: own.state === "live", detail: detail[own.state] };
}

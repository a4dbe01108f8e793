import { request } from "node:http";
import { api } from "../../../convex/_generated/api.js";
import type { FunctionReturnType } from "convex/server";
import type { Instance } from "../../setup/instance.ts";
import { hostName } from "../../supervisor/worker.ts";
import { explain, failureLine, NOT_RUNNING } from "./fail.ts";
import type { Session } from "./session.ts";

/** Whether the parts of a running Slipway answer, in a few words each. */

export type Health = { ok: boolean; detail: string };
export type HostView = FunctionReturnType<typeof api.hosts.listHosts>[number];

const GATEWAY_DEADLINE_MS = 4000;

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

/** Whether nginx answers on its port, as anybody who opens the page meets it. */
export async function gatewayHealth({ httpPort }: Instance): Promise<Health> {
  const url = `http://localhost:${httpPort}/`;
  return await new Promise((resolve) => {
    const asked = request(
      { host: "127.0.0.1", port: httpPort, path: "/", timeout: GATEWAY_DEADLINE_MS },
      (response) => {
        response.resume();
        resolve({ ok: (response.statusCode ?? 500) < 500, detail: `${url} answers ${response.statusCode}` });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${GATEWAY_DEADLINE_MS / 1000} s`)));
    asked.on("error", (error) => resolve({ ok: false, detail: `${url}: ${error.message}` }));
    asked.end();
  });
}

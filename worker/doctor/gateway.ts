import { request } from "node:http";
import type { Gateway } from "../gateway/gateway.ts";
import { failed, ok, skipped, START, type Check, type Finding } from "./check.ts";

/** Checks of the gateway: whether it answers, and from which routes. */

const DEADLINE_MS = 4000;

export type KnownProject = {
  slug: string;
  namespace: string;
  /** Whether an environment of it runs, as last told. */
  runs: boolean;
};

export type GatewayCheckContext = {
  instanceId: string;
  /** Where it listens, on this machine. */
  httpPort: number;
  gateway: Pick<Gateway, "answeringVersions">;
  /** All projects of this host, and why they are not known where they are not. */
  projects: () => Promise<{ known: readonly KnownProject[] } | { why: string }>;
};

export function gatewayChecks(context: GatewayCheckContext): Check[] {
  return [
    { title: "gateway", run: async () => await gatewayAnswers(context) },
    { title: "routes", run: async () => await routesMatch(context) },
  ];
}

/** Whether nginx answers on its port, whoever else is there; in a few words. */
export async function askGateway(httpPort: number): Promise<{ ok: boolean; detail: string }> {
  const url = `http://localhost:${httpPort}/`;
  try {
    // What is there is a page of the gateway's own.
    const status = await askStatus(httpPort, "/projects/");
    return status < 500 ? { ok: true, detail: url } : { ok: false, detail: `${url} answers ${status}` };
  } catch (error) {
    return { ok: false, detail: `${url}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The status that `path` gets at the gateway's own host. Rejects where nobody answers in time. */
export async function askStatus(httpPort: number, path: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: "127.0.0.1", port: httpPort, path, timeout: DEADLINE_MS },
        headers: { host: `localhost:${httpPort}` },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 500);
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${DEADLINE_MS / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
}

async function gatewayAnswers({ httpPort, instanceId }: GatewayCheckContext): Promise<Finding> {
  const { ok: answers, detail } = await askGateway(httpPort);
  if (answers) return ok(detail);
  return failed(detail, `${START}; its log: docker logs slipway-${instanceId}-gateway`);
}

/** Whether the gateway answers from routes of the projects that there are, and of no others. */
async function routesMatch({ gateway, projects }: GatewayCheckContext): Promise<Finding> {
  const found = await projects();
  if ("why" in found) return skipped(found.why);
  const versions = await gateway.answeringVersions();
  const namespaces = new Set(found.known.map(({ namespace }) => namespace));
  const strays = [...versions.keys()].filter((namespace) => !namespaces.has(namespace));
  const missing = found.known.filter(({ namespace, runs }) => runs && !versions.has(namespace));
  if (strays.length === 0 && missing.length === 0) {
    return ok(`of ${versions.size} ${versions.size === 1 ? "project" : "projects"}`);
  }
  const parts = [
    missing.length > 0 ? `no route to ${missing.map(({ slug }) => slug).join(", ")}` : "",
    strays.length > 0 ? `routes of no project: ${strays.join(", ")}` : "",
  ];
  return failed(
    parts.filter(Boolean).join("; "),
    "The worker pushes them again at its next look; if this stays, restart Slipway.",
  );
}

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

/** Whether nginx answers on its port, as anybody who opens the page meets it; in a few words. */
export async function askGateway(httpPort: number): Promise<{ ok: boolean; detail: string }> {
  const url = `http://localhost:${httpPort}/`;
  return await new Promise((resolve) => {
    const asked = request(
      { host: "127.0.0.1", port: httpPort, path: "/", timeout: DEADLINE_MS },
      (response) => {
        response.resume();
        resolve({ ok: (response.statusCode ?? 500) < 500, detail: `${url} answers ${response.statusCode}` });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${DEADLINE_MS / 1000} s`)));
    asked.on("error", (error) => resolve({ ok: false, detail: `${url}: ${error.message}` }));
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

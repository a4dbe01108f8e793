import type Docker from "dockerode";
import { openDisks } from "../../../../worker/disks/openDisks.ts";
import { checkFirewall } from "../../../../worker/firewall/firewall.ts";
import { probeFirewall, type ProbeOutcome } from "../../../../worker/firewall/probe.ts";
import { FIREWALL_FIX } from "../../../../worker/firewall/probeAtStart.ts";
import { SocketGateway } from "../../../../worker/gateway/socketGateway.ts";
import { isPortFree } from "../../../setup/ports.ts";
import type { Instance } from "../../../setup/instance.ts";
import { isGateway, ownedContainers } from "../../../supervisor/owned.ts";
import { runningPart } from "../../../supervisor/pidFile.ts";
import { backendHealth, gatewayHealth, workerHealth } from "../health.ts";
import type { Session } from "../session.ts";
import { listProjects } from "../views.ts";
import { failed, ok, skipped, warning, type Check, type Finding } from "./check.ts";

/** Checks of Slipway's own parts. */

const START = "Start Slipway: npm start";

/** @param session null where Slipway was never started for this data directory */
export function slipwayChecks(dataDir: string, session: Session | null, docker: Docker | null): Check[] {
  if (!session) return [{ title: "Slipway", run: async () => failed("was never started here", START) }];
  const { instance } = session;
  const backend = backendHealth(session);
  return [
    { title: "backend", run: async () => await backendAnswers(backend, dataDir) },
    { title: "worker", run: async () => await workerHoldsLease(backend, dataDir) },
    { title: "gateway", run: async () => await gatewayAnswers(instance) },
    { title: "routes", run: async () => await routesMatch(backend, session, docker) },
    { title: "firewall", run: async () => await firewall(instance, docker) },
    { title: "isolation", run: async () => await isolation(session, docker) },
    { title: "volume sizes", run: async () => await volumeSizes(dataDir, instance, docker) },
    { title: "ports", run: async () => await ports(dataDir, instance, docker) },
  ];
}

async function backendAnswers(backend: ReturnType<typeof backendHealth>, dataDir: string): Promise<Finding> {
  const { ok: answers, detail } = await backend;
  return answers ? ok(detail) : failed(detail, `${START}; its log is ${dataDir}/logs/backend.log`);
}

async function workerHoldsLease(
  backend: ReturnType<typeof backendHealth>,
  dataDir: string,
): Promise<Finding> {
  const { ok: answers, hosts } = await backend;
  if (!answers) return skipped("the backend does not answer");
  const { ok: live, detail } = workerHealth(hosts);
  return live ? ok(detail) : failed(detail, `${START}; its log is ${dataDir}/logs/worker.log`);
}

async function gatewayAnswers(instance: Instance): Promise<Finding> {
  const { ok: answers, detail } = await gatewayHealth(instance);
  if (answers) return ok(detail);
  return failed(detail, `${START}; its log: docker logs slipway-${instance.instanceId}-gateway`);
}

/** Whether the gateway answers from routes of the projects that there are, and of no others. */
async function routesMatch(
  backend: ReturnType<typeof backendHealth>,
  session: Session,
  docker: Docker | null,
): Promise<Finding> {
  if (!(await backend).ok) return skipped("the backend does not answer");
  if (!docker) return skipped("the engine does not answer");
  const versions = await new SocketGateway(session.dataDir).answeringVersions();
  const projects = await listProjects(session);
  const known = new Set(projects.map(({ namespace }) => namespace));
  const strays = [...versions.keys()].filter((namespace) => !known.has(namespace));
  const missing = projects.filter(
    ({ namespace, environments }) =>
      environments.some(({ phase }) => phase === "running") && !versions.has(namespace),
  );
  if (strays.length === 0 && missing.length === 0)
    return ok(`of ${versions.size} ${versions.size === 1 ? "project" : "projects"}`);
  const parts = [
    missing.length > 0 ? `no route to ${missing.map(({ slug }) => slug).join(", ")}` : "",
    strays.length > 0 ? `routes of no project: ${strays.join(", ")}` : "",
  ];
  return failed(
    parts.filter(Boolean).join("; "),
    "The worker pushes them again at its next look; if this stays, restart Slipway.",
  );
}

async function firewall({ instanceId }: Instance, docker: Docker | null): Promise<Finding> {
  if (!docker) return skipped("the engine does not answer");
  const { findings, backends } = await checkFirewall(docker, { instanceId });
  if (findings.length === 0) return ok(`rules in place (iptables-${backends.join(", iptables-")})`);
  return failed(findings.join(" "), `${START}: the worker puts its rules back.`);
}

/** Real attempts from real containers: rules that are in place may still mean nothing. */
async function isolation({ dataDir, instance }: Session, docker: Docker | null): Promise<Finding> {
  if (!docker) return skipped("the engine does not answer");
  if (!(await gatewayHealth(instance)).ok) return skipped("the gateway does not answer");
  const outcomes = await probeFirewall(docker, instance.instanceId, new SocketGateway(dataDir));
  const told = (state: ProbeOutcome["state"]) =>
    outcomes.filter((outcome) => outcome.state === state).map(({ title, detail }) => `${title}: ${detail}`);
  const [broken, unclear] = [told("broken"), told("unknown")];
  if (broken.length > 0) return failed(broken.join("; "), FIREWALL_FIX);
  if (unclear.length > 0)
    return warning(unclear.join("; "), "Run it again; where it stays so, run it as root.");
  return ok(`tried and holds: ${outcomes.map(({ title }) => title).join(", ")}`);
}

async function volumeSizes(
  dataDir: string,
  { instanceId }: Instance,
  docker: Docker | null,
): Promise<Finding> {
  if (!docker) return skipped("the engine does not answer");
  const { why } = await openDisks(docker, { dataDir, instanceId });
  if (why === null) return ok("hard: each volume has a disk of its own");
  return warning(
    `only watched: ${why}`,
    "Run Slipway as root on the engine's own Linux machine, with e2fsprogs and loop devices, for sizes that hold.",
  );
}

/** Whether Slipway's ports are its own, or free for it to take. */
async function ports(dataDir: string, instance: Instance, docker: Docker | null): Promise<Finding> {
  const { httpPort, backendPort } = instance;
  if (await runningPart(dataDir, "supervisor")) return ok(`gateway ${httpPort}, backend ${backendPort}`);
  const containers = docker ? await ownedContainers(docker, instance.instanceId) : [];
  const isGatewayUp = containers.some((each) => isGateway(each) && each.ports.includes(httpPort));
  const taken: number[] = [];
  if (!isGatewayUp && !(await isPortFree(httpPort))) taken.push(httpPort);
  if (!(await isPortFree(backendPort))) taken.push(backendPort);
  if (taken.length === 0) return ok(`gateway ${httpPort}, backend ${backendPort}`);
  return warning(
    `${taken.join(" and ")} taken by another program`,
    "slipway up takes free ones instead, or those that --port names.",
  );
}

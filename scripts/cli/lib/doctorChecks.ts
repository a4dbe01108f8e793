import type Docker from "dockerode";
import { openDisks } from "../../../worker/disks/openDisks.ts";
import {
  failed,
  ok,
  skipped,
  START,
  warning,
  type Check,
  type Finding,
} from "../../../worker/doctor/check.ts";
import { dashboardChecks } from "../../../worker/doctor/dashboard.ts";
import { engineChecks } from "../../../worker/doctor/engine.ts";
import { askGateway, gatewayChecks } from "../../../worker/doctor/gateway.ts";
import type { HostCheckContext } from "../../../worker/doctor/hostChecks.ts";
import { isolationChecks } from "../../../worker/doctor/isolation.ts";
import { machineChecks } from "../../../worker/doctor/machine.ts";
import { probeFirewall } from "../../../worker/firewall/probe.ts";
import { SocketGateway } from "../../../worker/gateway/socketGateway.ts";
import { isPortFree } from "../../setup/ports.ts";
import type { Instance } from "../../setup/instance.ts";
import { isGateway, ownedContainers } from "../../supervisor/owned.ts";
import { runningPart } from "../../supervisor/pidFile.ts";
import { backendHealth, workerHealth } from "./health.ts";
import type { Session } from "./session.ts";
import { listProjects } from "./views.ts";

/** What `slipway doctor` checks: what the worker does (worker/doctor), and what only this side sees. */

/** @param session null where Slipway was never started for this data directory */
export function doctorChecks(
  dataDir: string,
  session: Session | null,
  engine: { docker: Docker | null; why: string },
): Check[] {
  const { docker, why } = engine;
  if (!session) {
    const never = { title: "Slipway", run: async () => failed("was never started here", START) };
    return [...machineChecks(dataDir), ...engineChecks(docker, why), never];
  }
  const { instance } = session;
  const backend = backendHealth(session);
  const context: HostCheckContext = {
    ...{ dataDir, docker, why, gateway: new SocketGateway(dataDir) },
    ...{ instanceId: instance.instanceId, httpPort: instance.httpPort },
    projects: () => projectsOf(backend, session),
    attempts: () => attempts(session, docker!),
    noDisks: async () => (await openDisks(docker!, { dataDir, instanceId: instance.instanceId })).why,
  };
  return [
    ...machineChecks(dataDir),
    ...engineChecks(docker, why),
    { title: "backend", run: async () => await backendAnswers(backend, dataDir) },
    { title: "worker", run: async () => await workerHoldsLease(backend, dataDir) },
    ...gatewayChecks(context),
    ...dashboardChecks(context),
    ...isolationChecks(context),
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

async function projectsOf(
  backend: ReturnType<typeof backendHealth>,
  session: Session,
): ReturnType<HostCheckContext["projects"]> {
  if (!(await backend).ok) return { why: "the backend does not answer" };
  const projects = await listProjects(session);
  const known = projects.map(({ slug, namespace, environments }) => ({
    ...{ slug, namespace },
    runs: environments.some(({ phase }) => phase === "running"),
  }));
  return { known };
}

async function attempts({ dataDir, instance }: Session, docker: Docker) {
  if (!(await askGateway(instance.httpPort)).ok) return { why: "the gateway does not answer" };
  return { outcomes: await probeFirewall(docker, instance.instanceId, new SocketGateway(dataDir)) };
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

import { readFile } from "node:fs/promises";
import Docker from "dockerode";
import { loadAttachments } from "../docker/attachments/loadAttachments.ts";
import { hostStacks } from "../docker/stacks/hostStacks.ts";
import { causeChain, SlipwayError } from "../core/errors.ts";
import { certificateKeeper } from "./certificates/fromConfig.ts";
import { credentialsFrom } from "./attachments/credentials.ts";
import { imageBuilder } from "./attachments/imageBuilder.ts";
import { pause, realClock } from "./clock.ts";
import { startIndexer, type Indexer } from "./codeIndex/indexer.ts";
import { workerConfig, type WorkerConfig } from "./config.ts";
import { ConvexControlPlane, isFenced } from "./convexControlPlane.ts";
import { serveDashboard } from "./dashboard/fromConfig.ts";
import { measureVolumes } from "./disks/measureVolumes.ts";
import { openDisks } from "./disks/openDisks.ts";
import { VolumeWatch } from "./disks/volumeWatch.ts";
import { diskBytesOf } from "./disks/diskBytesOf.ts";
import { openDoor } from "./door/door.ts";
import type { HostDesk } from "./door/hostRoutes.ts";
import { READ_DEADLINE_MS, withDeadline } from "./engine/deadline.ts";
import { DockerEngine } from "./engine/dockerEngine.ts";
import { DockerExec } from "./engine/dockerExec.ts";
import { probeAtStart } from "./firewall/probeAtStart.ts";
import { SocketGateway } from "./gateway/socketGateway.ts";
import { installedNetworks, UpstreamNetworks } from "./gateway/upstreamNetworks.ts";
import { healthCheckBy } from "./healthCheck.ts";
import { Drift } from "./host/drift.ts";
import { HostReporter, type OwnedCounts } from "./host/hostReporter.ts";
import { RecentErrors } from "./host/recentErrors.ts";
import { startHost } from "./host/startHost.ts";
import { kernelLimits, raiseCommand } from "./kernel/kernelLimits.ts";
import { startLogKeeper } from "./keptLogs/logKeeper.ts";
import { jsonLog, type Log } from "./log.ts";
import { dockerMetrics } from "./metrics/dockerMetrics.ts";
import { Metrics } from "./metrics/metrics.ts";
import { secretsFrom } from "./secrets.ts";
import { sharedParts } from "./shared.ts";
import { sourcesIn } from "./sources/sources.ts";
import { startersFrom } from "./starters.ts";
import { Worker } from "./worker.ts";

/** Milliseconds that a stop may take: for what Docker is doing, and for the control plane. */
const DRAIN_MS = 10_000;
const FAREWELL_MS = 3_000;
const REGISTER_AGAIN_MS = 2_000;
/** Milliseconds that the first word of the subnet pools is waited for; until it comes, what was known counts. */
const POOLS_MS = 10_000;
const EXIT_FENCED = 3;

const TEMPLATE = new URL("../docker/project-template.yml", import.meta.url);
const PACKAGE = new URL("../package.json", import.meta.url);

async function main(): Promise<void> {
  const errors = new RecentErrors(() => realClock.now());
  const log = errors.wrap(jsonLog((line) => process.stderr.write(line)));
  const config = workerConfig(process.env);
  const docker = new Docker();
  const { stacks, starterOf } = hostStacks(config.dataDir);
  const gateway = new SocketGateway(config.dataDir);
  const controlPlane = new ConvexControlPlane(
    config.convexUrl,
    config.tokenFile,
    secretsFrom(config.dataDir),
    log,
  );
  let desk: HostDesk | null = null;
  let indexer: Indexer | null = null;
  const door = await openDoor({
    desk: () => desk,
    touched: (projectId) => indexer?.touched(projectId),
    ...{ engine: new DockerEngine(docker), exec: new DockerExec(docker), doorkeeper: controlPlane },
    ...{ instanceId: config.instanceId, dataDir: config.dataDir, clock: realClock, log },
  });
  const { version } = JSON.parse(await readFile(PACKAGE, "utf8")) as { version: string };
  // Before the control plane answers, too: then its page says what is missing.
  const dashboard = await serveDashboard(config, version, door, log);
  const opening = openDisks(docker, config);
  const certificates = certificateKeeper(config, controlPlane, log);
  const networks = new UpstreamNetworks((await installedNetworks(config.dataDir)) ?? [config.subnetPool]);
  const ensureShared = sharedParts(docker, config, realClock, log, {
    disks: async () => (await opening).disks,
    networks: () => networks.now(),
  });
  const stopping = stopSignal();
  // What nobody foresaw: the next worker finds everything as Docker has it.
  process.on("unhandledRejection", (error) => fatal(error));

  const [template, { epoch, leaseMs }] = await Promise.all([
    readFile(TEMPLATE, "utf8"),
    registerHost(controlPlane, docker, config, version, Object.keys(stacks), door.url, log, stopping),
    ensureShared(true),
    raiseKernelLimits(log),
  ]);

  // Before anything is routed: what the gateway was made with may be another deployment's.
  const followed = networks.follow(
    (onPools, onError) => controlPlane.watchSubnetPools(onPools, onError),
    async () => await ensureShared(false),
    log,
  );
  await Promise.race([followed, pause(realClock, POOLS_MS)]);

  const reporter = new HostReporter({ store: controlPlane, clock: realClock, log });
  errors.follow((recent) => reporter.tell({ errors: recent }));
  let counts: OwnedCounts = { containers: 0, networks: 0, volumes: 0 };
  const { disks, why } = await opening;
  if (why !== null) log("volumes-only-watched", { why });
  const engine = new DockerEngine(docker, { disks });
  const volumeWatch = why === null ? null : watchVolumes(docker, config, why, log);
  const worker = new Worker({
    engine,
    controlPlane,
    gateway,
    starters: startersFrom(starterOf),
    sources: await sourcesIn(config.dataDir, controlPlane),
    stacks,
    attaching: {
      definitions: loadAttachments(),
      credentials: credentialsFrom(config.dataDir),
      buildImage: imageBuilder(),
    },
    template,
    instanceId: config.instanceId,
    clock: realClock,
    random: Math.random,
    log,
    ensureShared,
    certificates,
    volumeWatch,
    healthCheck: healthCheckBy(docker),
    drift: new Drift(
      () => realClock.now(),
      (drift) => reporter.tell({ drift }),
    ),
    counted: (all) => (counts = all),
    onFenced: (error) => fenced(config, log, error),
    isFenced,
  });
  let problems = (): string[] => [];
  const heartbeats = setInterval(() => void beat(), leaseMs / 3);
  const beat = async () => {
    try {
      await controlPlane.heartbeat(problems());
      worker.onControlPlaneHeard();
    } catch (error) {
      if (isFenced(error)) fenced(config, log, error);
      log("heartbeat-failed", { error });
    }
  };

  indexer = startIndexer({
    engine,
    store: controlPlane,
    instanceId: config.instanceId,
    clock: realClock,
    log,
  });
  const endKeepingLogs = startLogKeeper({
    ...{ engine, instanceId: config.instanceId, clock: realClock, log },
    store: controlPlane,
  });
  certificates.start();
  await worker.start();
  const probing = probeAtStart({ ...config, docker, gateway, clock: realClock, log }, async () => {
    await ensureShared(true);
  });
  problems = probing.problems;
  const host = startHost({
    ...{ docker, config, gateway, reporter, probing, clock: realClock, log },
    ...{ projects: () => worker.projects(), counts: () => counts, noDisks: why },
  });
  desk = { plan: ({ projectId }) => worker.plan(projectId), checkNow: host.checkNow };
  const metrics = new Metrics({
    engine: dockerMetrics(docker, engine),
    store: controlPlane,
    diskBytesOf: diskBytesOf(disks, volumeWatch),
    ...{ instanceId: config.instanceId, clock: realClock, log },
  });
  log("ready", { host: config.hostName, epoch, httpPort: config.httpPort, stacks: Object.keys(stacks) });

  log("stopping", { signal: await stopping.signal });
  clearInterval(heartbeats);
  const probed = probing.end();
  await Promise.race([Promise.all([dashboard.close(), door.close()]), pause(realClock, FAREWELL_MS)]);
  indexer.end();
  await Promise.race([certificates.stop(), pause(realClock, FAREWELL_MS)]);
  endKeepingLogs();
  host.end();
  await Promise.race([metrics.stop(), pause(realClock, FAREWELL_MS)]);
  await Promise.race([Promise.all([worker.stop(), probed]), pause(realClock, DRAIN_MS)]);
  await Promise.race([farewell(controlPlane, log), pause(realClock, FAREWELL_MS)]);
  log("stopped");
  process.exit(0);
}

/** Tries until the control plane answers: it may come up after the worker, and containers need nobody meanwhile. */
async function registerHost(
  controlPlane: ConvexControlPlane,
  docker: Docker,
  config: WorkerConfig,
  version: string,
  stacks: string[],
  doorUrl: string,
  log: Log,
  stopping: { requested: () => boolean },
): Promise<{ epoch: number; leaseMs: number }> {
  const info = await withDeadline(
    "say what engine it is",
    READ_DEADLINE_MS,
    () => docker.info() as Promise<EngineInfo>,
  );
  for (;;) {
    try {
      return await controlPlane.register({
        name: config.hostName,
        instanceId: config.instanceId,
        version,
        engineVersion: info.ServerVersion,
        cpus: info.NCPU,
        memoryBytes: info.MemTotal,
        stacks,
        doorUrl,
      });
    } catch (error) {
      const transient = error instanceof SlipwayError && error.data.code === "deadline";
      if (!transient || stopping.requested()) throw error;
      log("register-failed", { error });
      await pause(realClock, REGISTER_AGAIN_MS);
    }
  }
}

function watchVolumes(docker: Docker, { instanceId }: WorkerConfig, why: string, log: Log): VolumeWatch {
  const measure = async (volumes: readonly string[]) => await measureVolumes(docker, instanceId, volumes);
  return new VolumeWatch({ measure, clock: realClock, log, why });
}

async function raiseKernelLimits(log: Log): Promise<void> {
  const states = await kernelLimits(true);
  for (const { name, value, state } of states) if (state === "raised") log("kernel-limit", { name, value });
  for (const { name, value, wanted, state, otherwise } of states) {
    if (state === "low") log("kernel-limit-low", { name, value, wanted, otherwise });
  }
  const hint = raiseCommand(states);
  if (hint !== "") log("kernel-limits-low", { hint });
}

type EngineInfo = { ServerVersion: string; NCPU: number; MemTotal: number };

function stopSignal(): { signal: Promise<string>; requested: () => boolean } {
  let requested = false;
  const signal = new Promise<string>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        requested = true;
        resolve(name);
      });
    }
  });
  return { signal, requested: () => requested };
}

async function farewell(controlPlane: ConvexControlPlane, log: Log): Promise<void> {
  try {
    await controlPlane.unregister();
    await controlPlane.close();
  } catch (error) {
    log("unregister-failed", { error });
  }
}

/** Another worker has the host: every write of this one is refused, so it must not touch Docker either. */
function fenced(config: WorkerConfig, log: Log, error: unknown): never {
  log("fenced", {
    error,
    message: `Another worker has registered the host ${config.hostName}: this one stops and leaves everything as it is.`,
  });
  process.exit(EXIT_FENCED);
}

function fatal(error: unknown): never {
  const hint = error instanceof SlipwayError ? error.data.hint : undefined;
  process.stderr.write(`${JSON.stringify({ event: "fatal", error: causeChain(error), hint })}\n`);
  process.exit(1);
}

main().catch(fatal);

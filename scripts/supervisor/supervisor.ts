import Docker from "dockerode";
import { hostStacks } from "../../docker/stacks/hostStacks.ts";
import { failureLine, explain } from "../cli/lib/fail.ts";
import type { Output } from "../cli/lib/output.ts";
import { openSession } from "../cli/lib/session.ts";
import { ensureDashboard } from "../dashboard/build.ts";
import { createProgress } from "../progress/progress.mjs";
import { backendUrl, selfHosted } from "../setup/backendUrl.ts";
import { dataPaths, ensurePrivateFolder } from "../setup/dataDir.ts";
import { ensureInstance, type Instance } from "../setup/instance.ts";
import { portFromEnvironment } from "../setup/ports.ts";
import { ensureKeys, type Keys } from "../setup/keys.ts";
import { ensurePrerequisites } from "../setup/prerequisites.ts";
import { addressesOf, type Addresses } from "./addresses.ts";
import { backendChild, deploymentVariables } from "./backend.ts";
import { deployTo } from "./deploy.ts";
import { firstRun } from "./firstRun.ts";
import type { ManagedChild } from "./managedChild.ts";
import { isGateway, ownedContainers } from "./owned.ts";
import { claimPart, releasePart, type Part } from "./pidFile.ts";
import { stopEverything } from "./stopProcess.ts";
import { StopRequest } from "./stopRequest.ts";
import { hostName, workerChild } from "./worker.ts";
import { keepWorkerToken } from "./workerToken.ts";

export type SuperviseOptions = {
  dataDir: string;
  /** Where the gateway is to listen; by default where it did, or 8080. */
  httpPort?: number;
  output: Output;
  /** Everything runs and the first project serves. */
  onReady: (addresses: Addresses) => Promise<void>;
};

/**
 * Runs Slipway in this process until a signal asks it to stop: sets up what is missing, starts backend and worker and
 * keeps them running. Projects' containers and the gateway go on when it ends.
 * @returns the exit code
 * @throws SlipwayError or SetupError where something could not be brought up; all that was started is stopped then
 */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const supervisor = new Supervisor(options);
  const request = new StopRequest(() => supervisor.kill());
  try {
    const outcome = await Promise.race([supervisor.bringUp(request), request.asked]);
    if (outcome !== "up") return INTERRUPTED;
    await request.asked;
    return 0;
  } finally {
    await supervisor.stop();
  }
}

const INTERRUPTED = 130;

class Supervisor {
  private readonly progress = createProgress();
  /** In the order in which they were started. */
  private readonly children: { part: Part; child: ManagedChild }[] = [];
  private endToken: () => void = () => {};

  constructor(private readonly options: SuperviseOptions) {}

  /** @returns "up" when all runs; it ends quietly, with another word, when it is overtaken by a stop */
  async bringUp(request: StopRequest): Promise<"up" | "stopped"> {
    const { dataDir, onReady } = this.options;
    await ensurePrivateFolder(dataPaths(dataDir).logs);
    const leftOver = await stopEverything(dataDir);
    if (leftOver.length > 0) this.say(`Stopped what an earlier run had left: ${leftOver.join(", ")}.`);

    // Before anything is made: the worker would only say it in its log.
    const { own } = hostStacks(dataDir);
    if (own.length > 0) this.say(`✓ Stacks of your own: ${own.join(", ")}`);
    const { engine, images } = await ensurePrerequisites({ progress: this.progress });
    this.say(`✓ Docker Engine ${engine.version}, ${images.length} images`);
    // It is built while the rest starts, and served from the moment that it is.
    const dashboard = this.buildDashboard();
    const keys = await ensureKeys(dataDir);
    const instance = await this.instance(new Docker());
    if (request.isAsked) return "stopped";

    await this.startBackend(instance, keys);
    if (request.isAsked) return "stopped";
    await this.startWorker(instance, keys);
    if (request.isAsked) return "stopped";

    const session = await openSession(dataDir);
    try {
      await firstRun(session, this.progress);
    } catch (error) {
      if (request.isAsked) return "stopped";
      // Backend and worker are well: whoever looks into it needs them running.
      this.say(`✗ ${failureLine(explain(error).data)}`);
    }
    await dashboard;
    await onReady(await addressesOf(session));
    return "up";
  }

  /** Worker before backend, each within its bound. */
  async stop(): Promise<void> {
    this.progress.close();
    if (this.children.length === 0) return;
    const step = this.progress.step("Stopping Slipway; the projects' containers keep running");
    for (const { part, child } of this.children.toReversed()) {
      step.detail(part);
      await child.stop();
      await releasePart(this.options.dataDir, part);
    }
    this.endToken();
    step.done("Stopped; the projects' containers keep running. `npx slipway down` stops them too.");
  }

  kill(): void {
    for (const { child } of this.children) child.kill();
  }

  private say(line: string): void {
    this.progress.note(line);
  }

  /** Never rejects: all else runs without it. */
  private async buildDashboard(): Promise<void> {
    try {
      await ensureDashboard({ progress: this.progress });
    } catch (error) {
      this.say(`✗ ${failureLine(explain(error).data)}`);
    }
  }

  private async instance(docker: Docker): Promise<Instance> {
    const { dataDir, httpPort } = this.options;
    return await ensureInstance(
      dataDir,
      {
        httpPort,
        httpsPort: portFromEnvironment("SLIPWAY_HTTPS_PORT"),
        subnetPool: process.env.SLIPWAY_SUBNET_POOL || undefined,
      },
      {
        say: (line) => this.say(line),
        isOurs: async (instanceId, port) => {
          const containers = await ownedContainers(docker, instanceId);
          return containers.some((container) => isGateway(container) && container.ports.includes(port));
        },
      },
    );
  }

  private async startBackend(instance: Instance, keys: Keys): Promise<void> {
    const hosted = selfHosted();
    if (hosted) {
      await deployTo(hosted, deploymentVariables(instance, keys), this.progress);
      return;
    }
    const done = `Backend: port ${instance.backendPort}`;
    await this.startChild("backend", "Starting the backend", done, (hooks) =>
      backendChild(this.options.dataDir, instance, keys, hooks),
    );
  }

  private async startWorker(instance: Instance, keys: Keys): Promise<void> {
    const { dataDir } = this.options;
    const token = await keepWorkerToken(dataDir, keys, hostName());
    this.endToken = token.end;
    const done = `Worker; gateway: port ${instance.httpPort}`;
    await this.startChild("worker", "Starting the worker and the gateway", done, (hooks) =>
      workerChild({ dataDir, instance, backendUrl: backendUrl(instance), tokenPath: token.path }, hooks),
    );
  }

  private async startChild(
    part: "backend" | "worker",
    title: string,
    done: string,
    make: (hooks: { say: (line: string) => void; onSpawn: (pid: number) => Promise<void> }) => ManagedChild,
  ): Promise<void> {
    const child = make({
      say: (line) => this.say(line),
      onSpawn: async (pid) => void (await claimPart(this.options.dataDir, part, pid)),
    });
    this.children.push({ part, child });
    const step = this.progress.step(title);
    try {
      await child.start();
      step.done(done);
    } catch (error) {
      step.fail();
      throw error;
    }
  }
}

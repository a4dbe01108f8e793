import type { Readable } from "node:stream";
import Docker from "dockerode";
import { ownedBy, LABELS } from "../../core/labels.ts";
import type { RenderedNetwork, RenderedVolume } from "../../core/render/rendered.ts";
import type { Disks } from "../disks/disks.ts";
import { logLines, logText, type LogLine } from "./logFrames.ts";
import { containerOptions } from "./containerOptions.ts";
import { containerState, parseStatus } from "./containerStatus.ts";
import { createVolume } from "./createVolume.ts";
import { endWhenSilent, sendWhole } from "./archiveStreams.ts";
import {
  CHANGE_DEADLINE_MS,
  COPY_SILENCE_MS,
  PULL_SILENCE_MS,
  READ_DEADLINE_MS,
  whileMoving,
  withDeadline,
} from "./deadline.ts";
import { watchDocker } from "./dockerEvents.ts";
import {
  nameOf,
  refOf,
  type ContainerPlan,
  type ContainerRun,
  type Engine,
  type EngineContainer,
  type EngineListener,
  type EngineNetwork,
  type EngineVolume,
  type EngineWatch,
  type Named,
  type Owned,
} from "./engine.ts";
import { EngineError, engineErrorOf, statusOf } from "./engineError.ts";

/** A real Docker engine, from 20.10 on, over its API. */
export class DockerEngine implements Engine {
  private readonly docker: Docker;
  private readonly deadlines: { readMs: number; changeMs: number };

  private readonly disks: Disks | null;

  /**
   * @param docker default: what `DOCKER_HOST` says, or the local socket
   * @param options `disks`: for volumes of a hard size; without it they have none
   */
  constructor(
    docker = new Docker(),
    options: { readMs?: number; changeMs?: number; disks?: Disks | null } = {},
  ) {
    this.docker = docker;
    this.deadlines = {
      readMs: options.readMs ?? READ_DEADLINE_MS,
      changeMs: options.changeMs ?? CHANGE_DEADLINE_MS,
    };
    this.disks = options.disks ?? null;
  }

  async listContainers(owned: Owned): Promise<EngineContainer[]> {
    const found = await this.read("list containers", (abortSignal) =>
      this.docker.listContainers({ all: true, filters: filtersOf(owned), abortSignal }),
    );
    return found.map((container) => {
      const { health, exitCode } = parseStatus(container.Status);
      return {
        id: container.Id,
        name: container.Names[0]?.replace(/^\//, "") ?? container.Id,
        image: container.Image,
        labels: container.Labels,
        state: containerState(container.State),
        health,
        exitCode,
        volumes: container.Mounts.flatMap(({ Type, Name }) => (Type === "volume" && Name ? [Name] : [])),
        networks: Object.fromEntries(
          Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => [
            name,
            endpoint.IPAddress || null,
          ]),
        ),
        networkIds: Object.fromEntries(
          Object.entries(container.NetworkSettings.Networks).flatMap(([name, endpoint]) =>
            endpoint.NetworkID ? [[name, endpoint.NetworkID]] : [],
          ),
        ),
      };
    });
  }

  async listNetworks(owned: Owned): Promise<EngineNetwork[]> {
    const found = await this.read("list networks", (abortSignal) =>
      this.docker.listNetworks({ filters: filtersOf(owned), abortSignal }),
    );
    return found.map((network) => ({
      id: network.Id,
      name: network.Name,
      labels: network.Labels ?? {},
      internal: network.Internal,
      subnet: network.IPAM?.Config?.[0]?.Subnet ?? null,
    }));
  }

  async listVolumes(owned: Owned): Promise<EngineVolume[]> {
    const found = await this.read("list volumes", (abortSignal) =>
      this.docker.listVolumes({ filters: filtersOf(owned), abortSignal }),
    );
    return await Promise.all(
      (found.Volumes ?? []).map(async ({ Name: name, Labels, Options }) => {
        const directory = (Options as Record<string, string> | null)?.device;
        const sizeBytes = (directory && (await this.disks?.sizeOf(name, directory))) || null;
        return { name, labels: Labels ?? {}, sizeBytes };
      }),
    );
  }

  async lastRun(container: string): Promise<ContainerRun | null> {
    const found = await this.read(`look at ${container}`, (abortSignal) =>
      orWhen(404, null, this.docker.getContainer(container).inspect({ abortSignal })),
    );
    const startedAt = momentOf(found?.State.StartedAt);
    if (!found || startedAt === null) return null;
    const { Running, Paused, Restarting, ExitCode, OOMKilled, FinishedAt } = found.State;
    const goesOn = Running || Paused || Restarting;
    return {
      startedAt,
      finishedAt: goesOn ? null : momentOf(FinishedAt),
      exitCode: goesOn ? null : ExitCode,
      outOfMemory: OOMKilled,
    };
  }

  async changeDone(container: string): Promise<void> {
    // Unlike a list, an inspection waits for the container's lock, which its change holds to the end.
    await this.read(`look at ${container}`, (abortSignal) =>
      orWhen(404, null, this.docker.getContainer(container).inspect({ abortSignal })),
    );
  }

  async hasImage(image: string): Promise<boolean> {
    const found = await this.read(`look for the image ${image}`, () =>
      orWhen(404, null, this.docker.getImage(image).inspect()),
    );
    return found !== null;
  }

  async imageVolumes(image: string): Promise<string[] | null> {
    const found = await this.read(`look at the image ${image}`, () =>
      orWhen(404, null, this.docker.getImage(image).inspect()),
    );
    return found && Object.keys(found.Config.Volumes ?? {}).sort();
  }

  async pullImage(image: string): Promise<void> {
    const what = `pull the image ${image}`;
    const stream = await this.change(what, (abortSignal) => this.docker.pull(image, { abortSignal }));
    await finishPull(this.docker, stream, what);
  }

  async createNetwork(network: RenderedNetwork): Promise<"created" | "exists"> {
    return await this.change(`create the network ${network.name}`, (abortSignal) =>
      orWhen(
        409,
        "exists" as const,
        this.docker
          .createNetwork({
            Name: network.name,
            CheckDuplicate: true,
            Driver: "bridge",
            Internal: network.internal,
            Options: network.driverOptions,
            Labels: network.labels,
            ...(network.subnet && { IPAM: { Driver: "default", Config: [{ Subnet: network.subnet }] } }),
            abortSignal,
          })
          .then(() => "created" as const),
      ),
    );
  }

  async removeNetwork(name: string): Promise<"removed" | "absent"> {
    return await this.change(`remove the network ${name}`, (abortSignal) =>
      orWhen(404, "absent" as const, this.docker.getNetwork(name).remove({ abortSignal }).then(removed)),
    );
  }

  async createVolume(volume: Pick<RenderedVolume, "name" | "labels" | "sizeBytes">): Promise<void> {
    const { name, labels, sizeBytes } = volume;
    const disks = sizeBytes === null ? null : this.disks;
    // A disk is made anew, so never for a volume that is there already.
    const isThere = disks !== null && (await this.findVolume(name)) !== null;
    const directory = disks && !isThere && (await disks.make(name, sizeBytes ?? 0));
    const options = {
      ...{ Name: name, Labels: labels },
      ...(directory && { DriverOpts: { type: "none", o: "bind", device: directory } }),
    };
    // Docker gives the one that has the name, whoever made it.
    const has = await this.change(`create the volume ${name}`, (abortSignal) =>
      createVolume(this.docker, options, abortSignal),
    );
    if (has[LABELS.instance] !== labels[LABELS.instance]) {
      throw new EngineError("name_taken", `Docker has a volume ${name} already, which is not Slipway's.`);
    }
    if (has[LABELS.filling] === labels[LABELS.filling]) return;
    throw new EngineError("name_taken", `A volume ${name} was made meanwhile.`);
  }

  async growVolume(name: string, sizeBytes: number): Promise<"grown" | "unchanged"> {
    return (await this.disks?.grow(name, sizeBytes)) ?? "unchanged";
  }

  async removeVolume(name: string): Promise<"removed" | "absent"> {
    const outcome = await this.change(`remove the volume ${name}`, (abortSignal) =>
      orWhen(404, "absent" as const, this.docker.getVolume(name).remove({ abortSignal }).then(removed)),
    );
    await this.disks?.remove(name);
    return outcome;
  }

  async findVolume(name: string): Promise<EngineVolume | null> {
    const found = await this.read(`look for the volume ${name}`, (abortSignal) =>
      orWhen(404, null, this.docker.getVolume(name).inspect({ abortSignal })),
    );
    // Docker says null where it has no labels, whatever its client's types say.
    return found && { name, labels: (found.Labels as Record<string, string> | null) ?? {} };
  }

  async createContainer(container: ContainerPlan): Promise<{ id: string }> {
    const made = await this.change(`create the container ${container.name}`, (abortSignal) =>
      this.docker.createContainer({ ...containerOptions(container), abortSignal }),
    );
    return { id: made.id };
  }

  async connectNetwork(
    network: string,
    container: Named,
    aliases: string[],
  ): Promise<"connected" | "unchanged"> {
    return await this.change(`connect ${nameOf(container)} to ${network}`, async () => {
      const call = this.docker
        .getNetwork(network)
        .connect({ Container: refOf(container), EndpointConfig: { Aliases: aliases } });
      // The engine answers 403 both to what it forbids and to what is connected already.
      const refusal = await call.then(
        () => null,
        (error: unknown) => error as Error,
      );
      if (refusal === null) return "connected";
      if (statusOf(refusal) === 403 && /already exists in network/.test(refusal.message)) return "unchanged";
      throw refusal;
    });
  }

  async disconnectNetwork(network: string, container: Named): Promise<"disconnected" | "unchanged"> {
    return await this.change(`disconnect ${nameOf(container)} from ${network}`, async () => {
      const refusal = await this.docker
        .getNetwork(network)
        .disconnect({ Container: refOf(container) })
        .then(
          () => null,
          (error: unknown) => error as Error,
        );
      if (refusal === null) return "disconnected";
      // What is not connected, the engine answers 403 of to a running container, and 404 to another.
      if (/is not connected to/.test(refusal.message)) return "unchanged";
      throw refusal;
    });
  }

  async startContainer(container: Named): Promise<"started" | "unchanged"> {
    return await this.change(`start the container ${nameOf(container)}`, (abortSignal) =>
      orWhen(
        304,
        "unchanged" as const,
        this.docker
          .getContainer(refOf(container))
          .start({ abortSignal })
          .then(() => "started" as const),
      ),
    );
  }

  async pauseContainer(container: Named): Promise<"paused" | "unchanged"> {
    return await this.change(`pause the container ${nameOf(container)}`, async (abortSignal) => {
      const call = this.docker.getContainer(refOf(container)).pause({ abortSignal });
      const refusal = await call.then(
        () => null,
        (error: unknown) => error as Error,
      );
      if (refusal === null) return "paused";
      // It ended, or somebody else paused it: either way it no longer runs.
      if (/is (?:already paused|not running)/.test(refusal.message)) return "unchanged";
      throw refusal;
    });
  }

  async unpauseContainer(container: Named): Promise<"unpaused" | "unchanged"> {
    return await this.change(`unpause the container ${nameOf(container)}`, async (abortSignal) => {
      const call = this.docker.getContainer(refOf(container)).unpause({ abortSignal });
      const refusal = await call.then(
        () => null,
        (error: unknown) => error as Error,
      );
      if (refusal === null) return "unpaused";
      if (/is not paused/.test(refusal.message)) return "unchanged";
      throw refusal;
    });
  }

  async stopContainer(container: Named, graceMs: number): Promise<"stopped" | "unchanged" | "absent"> {
    return await this.change(`stop the container ${nameOf(container)}`, (abortSignal) =>
      orWhen(
        404,
        "absent" as const,
        orWhen(
          304,
          "unchanged" as const,
          this.docker
            .getContainer(refOf(container))
            .stop({ t: Math.ceil(graceMs / 1000), abortSignal })
            .then(() => "stopped" as const),
        ),
      ),
    );
  }

  async removeContainer(container: Named): Promise<"removed" | "absent"> {
    return await this.change(`remove the container ${nameOf(container)}`, (abortSignal) =>
      orWhen(
        404,
        "absent" as const,
        this.docker
          .getContainer(refOf(container))
          .remove({ force: true, v: true, abortSignal })
          .then(removed),
      ),
    );
  }

  async putArchive(container: Named, path: string, tar: Readable | Buffer): Promise<void> {
    const what = `copy files into ${nameOf(container)}`;
    const put = async (abortSignal: AbortSignal, file: NodeJS.ReadableStream | Buffer) =>
      await this.docker.getContainer(refOf(container)).putArchive(file, { path, abortSignal });
    if (Buffer.isBuffer(tar)) {
      await this.change(what, (abortSignal) => put(abortSignal, tar));
      return;
    }
    try {
      await whileMoving(what, COPY_SILENCE_MS, async (signal, moved) => {
        await sendWhole(tar, moved, (file) => put(signal, file));
      });
    } catch (error) {
      throw engineErrorOf(what, error);
    } finally {
      tar.destroy();
    }
  }

  async getArchive(container: Named, path: string): Promise<Readable> {
    const what = `copy files out of ${nameOf(container)}`;
    return await this.change(what, async (abortSignal) => {
      const stream = await this.docker.getContainer(refOf(container)).getArchive({ path, abortSignal });
      return endWhenSilent(stream as unknown as Readable, COPY_SILENCE_MS, what);
    });
  }

  async hasPath(container: Named, path: string): Promise<boolean> {
    return await this.read(`look for ${path} in ${nameOf(container)}`, (abortSignal) =>
      orWhen(
        404,
        false,
        this.docker
          .getContainer(refOf(container))
          .infoArchive({ path, abortSignal })
          .then(() => true),
      ),
    );
  }

  async tailLogs(container: string, lines: number): Promise<string> {
    const raw = await this.read(`read the log of ${container}`, (abortSignal) =>
      this.docker
        .getContainer(container)
        .logs({ stdout: true, stderr: true, tail: lines, follow: false, abortSignal }),
    );
    return logText(raw);
  }

  async readLogs(container: string, sinceMs: number, lines: number): Promise<LogLine[]> {
    const raw = await this.read(`read the log of ${container}`, (abortSignal) =>
      this.docker.getContainer(container).logs({
        ...{ stdout: true, stderr: true, timestamps: true, follow: false, abortSignal },
        // Docker takes seconds, and gives what is from then on.
        ...{ since: (sinceMs / 1000).toFixed(6), tail: lines },
      }),
    );
    return logLines(raw);
  }

  /** What is written at `sinceMs` or later, as it comes, until the container ends; whoever reads it closes it. */
  async followLogs(container: string, sinceMs: number): Promise<Readable> {
    const stream = await this.read(`follow the log of ${container}`, () =>
      this.docker.getContainer(container).logs({
        ...{ stdout: true, stderr: true, follow: true, since: (sinceMs / 1000).toFixed(6) },
      }),
    );
    return stream as unknown as Readable;
  }

  watch(listener: EngineListener): EngineWatch {
    return watchDocker(this.docker, listener);
  }

  private async read<T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return await this.within(this.deadlines.readMs, what, call);
  }

  private async change<T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return await this.within(this.deadlines.changeMs, what, call);
  }

  private async within<T>(
    deadlineMs: number,
    what: string,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline(what, deadlineMs, call);
    } catch (error) {
      throw engineErrorOf(what, error);
    }
  }
}

/** Docker's zero time stands for "never". */
function momentOf(time: string | undefined): number | null {
  const at = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(at) || at <= 0 ? null : at;
}

const removed = () => "removed" as const;

function filtersOf({ instanceId, namespace }: Owned): { label: string[] } {
  return { label: [ownedBy(instanceId), ...(namespace ? [`${LABELS.namespace}=${namespace}`] : [])] };
}

/** The answer of `call`, or `outcome` where the engine answers with `status`: a named outcome, no failure. */
async function orWhen<T, O>(status: number, outcome: O, call: Promise<T>): Promise<T | O> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === status) return outcome;
    throw error;
  }
}

async function finishPull(docker: Docker, stream: NodeJS.ReadableStream, what: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const silence = setTimeout(() => {
      (stream as Readable).destroy();
      reject(new EngineError("deadline", `Docker could not ${what}: silent for ${PULL_SILENCE_MS / 1000} s`));
    }, PULL_SILENCE_MS);
    docker.modem.followProgress(
      stream,
      (error: Error | null) => {
        clearTimeout(silence);
        if (error) reject(engineErrorOf(what, error));
        else resolve();
      },
      () => silence.refresh(),
    );
  });
}

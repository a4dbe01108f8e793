import type Docker from "dockerode";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { pack } from "tar-stream";
import type { Stack } from "../../core/stack.ts";

/** Containers as projects get them (DESIGN.md rule 10), on a network without a way out, for the tests of images. */

const TEST_LABEL = "slipway.test";
const MEMORY = 512 * 1024 * 1024;
const APP = { uid: 1000, gid: 1000 };

export type Confined = {
  container: Docker.Container;
  /** Its address as seen from the host. */
  base: string;
};

export class Playground {
  private readonly label = `images-${process.pid}-${Date.now()}`;
  private readonly networkName = `slipway-${this.label}`;
  private readonly volumes: string[] = [];

  constructor(private readonly docker: Docker) {}

  async open(): Promise<void> {
    await this.docker.createNetwork({ Name: this.networkName, Internal: true, Labels: this.labels() });
  }

  /** Removes everything that carries this playground's label. */
  async close(): Promise<void> {
    const filters = { label: [`${TEST_LABEL}=${this.label}`] };
    for (const { Id } of await this.docker.listContainers({ all: true, filters })) {
      await this.docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const name of this.volumes) await this.docker.getVolume(name).remove();
    await this.docker.getNetwork(this.networkName).remove();
  }

  /** A volume with the files of `folder`, owned by 1000:1000. */
  async volumeOf(folder: string): Promise<string> {
    const name = `slipway-${this.label}-${this.volumes.length}`;
    await this.docker.createVolume({ Name: name, Labels: this.labels() });
    this.volumes.push(name);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    await this.write(
      name,
      Object.fromEntries(files.map((file) => [file.slice(folder.length + 1), readFileSync(file, "utf8")])),
    );
    return name;
  }

  /** Writes files into a volume from outside its project, as the worker does. */
  async write(volume: string, files: Record<string, string>): Promise<void> {
    const carrier = await this.docker.createContainer({
      Image: "slipway/tools:1",
      Labels: this.labels(),
      HostConfig: { Binds: [`${volume}:/workspace`], NetworkMode: "none" },
    });
    const tar = pack();
    tar.entry({ name: ".", type: "directory", mode: 0o755, ...APP });
    for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o644, ...APP }, content);
    tar.finalize();
    await carrier.putArchive(tar.pipe(new PassThrough()), { path: "/workspace" });
    await carrier.remove({ force: true });
  }

  /** Starts a command confined as a project's container is. */
  async start(
    image: string,
    command: string[],
    options: { volume?: string; stack?: Stack; environment?: string } = {},
  ) {
    const { stack, volume } = options;
    const variables = {
      ...stack?.environment,
      ...(stack ? { PORT: String(stack.port) } : {}),
      SLIPWAY_PROJECT: "lighthouse",
      SLIPWAY_NAMESPACE: "project_1_abc",
      SLIPWAY_ENVIRONMENT: options.environment ?? "dev",
    };
    const tmpfs = Object.fromEntries(
      ["/tmp", ...(stack?.writable ?? [])].map((at) => [
        at,
        "rw,noexec,nosuid,nodev,size=64m,uid=1000,gid=1000",
      ]),
    );
    const container = await this.docker.createContainer({
      Image: image,
      Cmd: command,
      User: "1000:1000",
      WorkingDir: "/workspace",
      Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      Labels: this.labels(),
      ...(stack
        ? { Healthcheck: { Test: [...stack.healthcheck], Interval: 1e9, Timeout: 5e9, Retries: 3 } }
        : {}),
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Tmpfs: tmpfs,
        Memory: MEMORY,
        PidsLimit: 256,
        Init: true,
        NetworkMode: this.networkName,
        ...(volume === undefined ? {} : { Binds: [`${volume}:/workspace:nocopy`] }),
      },
    });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const address = NetworkSettings.Networks[this.networkName]?.IPAddress ?? "";
    return { container, base: `http://${address}:${stack?.port ?? 0}` } satisfies Confined;
  }

  /** Runs a command to its end. */
  async run(...args: Parameters<Playground["start"]>): Promise<{ code: number; output: string }> {
    const { container } = await this.start(...args);
    const ended = (await container.wait()) as { StatusCode: number };
    return { code: ended.StatusCode, output: await logsOf(container) };
  }

  private labels(): Record<string, string> {
    return { [TEST_LABEL]: this.label };
  }
}

export async function logsOf(container: Docker.Container): Promise<string> {
  return (await container.logs({ stdout: true, stderr: true })).toString("utf8");
}

/** Asks until `wanted` says yes; then the last answer, or a failure with what was seen last. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (value: T) => boolean,
  within = 20_000,
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    const seen = await ask().catch((error: unknown) => error);
    if (!(seen instanceof Error) && wanted(seen as T)) return seen as T;
    if (Date.now() > deadline) throw new Error(`Not within ${within} ms; last seen: ${String(seen)}`);
    await pause(50);
  }
}

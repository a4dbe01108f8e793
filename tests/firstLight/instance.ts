import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { noteInstance } from "../leftovers/ledger.ts";
import { vInstance, type Instance } from "../../scripts/setup/instance.ts";
import { freePort } from "../../scripts/setup/ports.ts";
import { REPOSITORY } from "../../scripts/setup/dataDir.ts";

/** One whole Slipway with a data directory, an instance id and ports of its own, driven by the commands that users type. */

const SLIPWAY = join(REPOSITORY, "scripts/slipway.mjs");
const COMMAND_WITHIN_MS = 240_000;
/** Building all images from packages takes minutes the first time. */
const UP_WITHIN_MS = 600_000;

export type Ran = { code: number | null; stdout: string; stderr: string };

export class TestInstance {
  private foreground: { process: ChildProcess; output: Ran } | null = null;

  private forget = async () => {};

  private constructor(
    readonly dataDir: string,
    readonly env: NodeJS.ProcessEnv,
    private readonly port: number,
  ) {}

  /** Nothing runs yet; the data directory is short, because unix sockets' paths are. */
  static async make(): Promise<TestInstance> {
    const dataDir = await mkdtemp(join(tmpdir(), "sw-"));
    const tag = dataDir.slice(-6);
    const env = {
      ...process.env,
      SLIPWAY_DATA: dataDir,
      SLIPWAY_HOST_NAME: `test-${tag}`,
      // Away from a real instance's pool on the same engine.
      SLIPWAY_SUBNET_POOL: `10.${64 + Math.floor(Math.random() * 60)}.0.0/16`,
      NO_COLOR: "1",
    };
    const port = await freePort(18_400 + Math.floor(Math.random() * 1000));
    const made = new TestInstance(dataDir, env, port);
    made.forget = await noteInstance({ instanceId: null, dataDir });
    return made;
  }

  async instance(): Promise<Instance> {
    return vInstance.parse(JSON.parse(await readFile(join(this.dataDir, "instance.json"), "utf8")));
  }

  /** The process that has `part` now, as `run/<part>.json` says. */
  async pidOf(part: "supervisor" | "backend" | "worker"): Promise<number> {
    const file = JSON.parse(await readFile(join(this.dataDir, "run", `${part}.json`), "utf8")) as {
      pid: number;
    };
    return file.pid;
  }

  /** Runs `slipway <args>` to its end, with no terminal. */
  async slipway(...args: string[]): Promise<Ran> {
    const { output, ended } = this.spawn(args);
    const timer = new AbortController();
    const late = delay(COMMAND_WITHIN_MS, "late" as const, { signal: timer.signal }).catch(
      () => "ended" as const,
    );
    const how = await Promise.race([ended, late]);
    timer.abort();
    if (how === "late")
      throw new Error(`slipway ${args.join(" ")} did not end:\n${output.stdout}${output.stderr}`);
    return output;
  }

  /** As {@link slipway}, where it must succeed. */
  async must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.slipway(...args);
    if (code !== 0) throw new Error(`slipway ${args.join(" ")} ended with ${code}:\n${stderr}`);
    return stdout;
  }

  /** What `slipway <args> --json` prints. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.must(...args, "--json")) as T;
  }

  /** `slipway up` in the foreground, until it has printed where to look. Its output so far. */
  async up(...args: string[]): Promise<Ran> {
    const { child, output, ended } = this.spawn(["up", "--port", String(this.port), ...args]);
    this.foreground = { process: child, output };
    const until = Date.now() + UP_WITHIN_MS;
    let hasEnded = false;
    void ended.then(() => (hasEnded = true));
    while (!output.stdout.includes("type next")) {
      if (hasEnded || Date.now() > until)
        throw new Error(`slipway up is not up:\n${output.stdout}${output.stderr}`);
      await delay(50);
    }
    return output;
  }

  /** What Ctrl-C does to `slipway up`. */
  async interrupt(): Promise<Ran> {
    const { process: child, output } = this.foreground!;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGINT");
    await ended;
    this.foreground = null;
    return output;
  }

  /** Everything is gone afterwards, whatever state a test left it in; images stay for the next run. */
  async destroy(): Promise<void> {
    const { code } = await this.slipway("down", "--purge", "--yes", "--keep-images");
    this.foreground?.process.kill("SIGKILL");
    // What could not be removed is removed by the next run.
    if (code === 0) await this.forget();
  }

  private spawn(args: string[]): { child: ChildProcess; output: Ran; ended: Promise<"ended"> } {
    const child = spawn(process.execPath, [SLIPWAY, ...args], {
      env: this.env,
      cwd: REPOSITORY,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: Ran = { code: null, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
    const ended = new Promise<"ended">((resolve) => {
      child.once("close", (code) => {
        output.code = code;
        resolve("ended");
      });
    });
    return { child, output, ended };
  }
}

/** Looks until `look` gives something other than undefined or false. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  withinMs = 60_000,
): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > until) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await delay(25);
  }
}

import { spawn, type ChildProcess } from "node:child_process";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import * as z from "zod";
import { pause, realClock } from "../../../worker/clock.ts";

/** The first process of a process namespace has to take leave of every dead one, which node does not. */
const REAPER = ["sh", "-c", '"$@" & wait $!', "sh"];
const HOLDER = fileURLToPath(new URL("holder.mjs", import.meta.url));
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
const GET_WITHIN_MS = 5_000;

const vAnswer = z.object({ id: z.number(), result: z.string().optional(), error: z.string().optional() });

/**
 * A Docker engine of a test's own, to be killed, frozen and restarted: its own network, mount and process namespaces, so
 * that the machine's engine neither notices it nor its end. Needs root.
 */
export class SecondEngine {
  readonly docker: Docker;
  private asked = 0;

  private constructor(
    private readonly folder: string,
    private readonly holder: ChildProcess,
  ) {
    this.docker = new Docker({ socketPath: this.socket });
  }

  /** Where its API is. */
  get socket(): string {
    return join(this.folder, "docker.sock");
  }

  /** @param port of the engine's loopback interface, that `get` asks */
  static async start(port: number): Promise<SecondEngine> {
    const folder = await mkdtemp(join(tmpdir(), "sw-engine-"));
    await writeFile(join(folder, "daemon.json"), "{}");
    const log = openSync(join(folder, "log"), "a");
    const namespaces = ["--net", "--mount", "--propagation", "slave", "--pid", "--fork", "--mount-proc"];
    const command = [...REAPER, process.execPath, HOLDER, folder, String(port)];
    const holder = spawn("unshare", [...namespaces, "--kill-child", ...command], {
      stdio: ["ignore", log, log, "ipc"],
    });
    const engine = new SecondEngine(folder, holder);
    await engine.answer(0);
    await engine.boot();
    return engine;
  }

  /** Starts its dockerd. @returns when it answers */
  async boot({ liveRestore = false } = {}): Promise<void> {
    const at = (name: string) => join(this.folder, name);
    const args = [
      ...["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")],
      ...["--config-file", at("daemon.json"), "--host", `unix://${at("docker.sock")}`],
      ...(liveRestore ? ["--live-restore"] : []),
    ];
    await this.order("start", { args });
    const until = Date.now() + READY_WITHIN_MS;
    while (!(await this.answers())) {
      if (Date.now() > until) throw new Error(`The second engine does not answer:\n${await this.log()}`);
      await pause(realClock, LOOK_EVERY_MS);
    }
  }

  /** Copies images of another engine to this one. */
  async load(from: Docker, images: string[]): Promise<void> {
    // The last character is the modem's to take away.
    const query = images.map((image) => `names=${encodeURIComponent(image)}&`).join("");
    const archive = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      from.modem.dial(
        {
          ...{ path: `/images/get?${query}`, method: "GET", isStream: true },
          statusCodes: { 200: true, 500: "server error" },
        },
        (error, stream) => (error ? reject(error as Error) : resolve(stream as NodeJS.ReadableStream)),
      ),
    );
    const progress = await this.docker.loadImage(archive);
    await new Promise<void>((resolve, reject) =>
      this.docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** SIGKILL: its containers go on without it. */
  async kill(): Promise<void> {
    await this.order("signal", { name: "SIGKILL", ends: true });
  }

  /** SIGTERM: it stops its containers and ends. */
  async stop(): Promise<void> {
    await this.order("signal", { name: "SIGTERM", ends: true });
  }

  /** From now on it takes connections and answers nothing. */
  async freeze(): Promise<void> {
    await this.order("signal", { name: "SIGSTOP", ends: false });
  }

  async thaw(): Promise<void> {
    await this.order("signal", { name: "SIGCONT", ends: false });
  }

  /** Runs a command on the machine that this engine takes itself to be on. @returns what it wrote */
  async run(...command: string[]): Promise<string> {
    return (await this.order("run", { command })) ?? "";
  }

  /** Asks the port that `start` was told. */
  async get(path: string): Promise<{ status: number; body: string }> {
    return await new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(GET_WITHIN_MS);
      const options = { socketPath: join(this.folder, "front.sock"), path, agent: false, signal };
      request(options, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode!, body }));
        response.on("error", reject);
      })
        .on("error", reject)
        .end();
    });
  }

  /** Ends it with all its containers, mounts and networks: they are in namespaces that nobody else has. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.holder.once("close", resolve));
    this.holder.kill("SIGKILL");
    await ended;
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  private async answers(): Promise<boolean> {
    return await this.docker.ping().then(
      () => true,
      () => false,
    );
  }

  private async order(what: string, order: object): Promise<string | undefined> {
    const id = ++this.asked;
    const answer = this.answer(id);
    this.holder.send({ id, do: what, ...order });
    return await answer;
  }

  private async answer(id: number): Promise<string | undefined> {
    return await new Promise((resolve, reject) => {
      const done = () => {
        this.holder.off("message", heard);
        this.holder.off("close", ended);
      };
      const heard = (message: unknown) => {
        const answer = vAnswer.parse(message);
        if (answer.id !== id) return;
        done();
        if (answer.error === undefined) resolve(answer.result);
        else reject(new Error(answer.error));
      };
      const ended = () => {
        done();
        void this.log().then((log) => reject(new Error(`The second engine ended:\n${log}`)));
      };
      this.holder.on("message", heard);
      this.holder.once("close", ended);
    });
  }

  private async log(): Promise<string> {
    const text = await readFile(join(this.folder, "log"), "utf8").catch(String);
    return text.split("\n").slice(-20).join("\n");
  }
}

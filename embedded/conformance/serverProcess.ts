/** The real server as a process of its own, as users run it: started, killed and started again on the same file. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { RUN } from "../testing/project.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
export const CONFORMANCE_APP = fileURLToPath(new URL("./app/convex", import.meta.url));
const READY_BOUND_MS = 30_000;
const STOP_BOUND_MS = 10_000;

const vReady = z.object({ event: z.literal("ready"), url: z.string(), siteUrl: z.string(), pid: z.number() });

export interface ServerOptions {
  /** The app's functions folder; the conformance app by default. */
  readonly dir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** From the second start on, serves what was pushed at the first. */
  readonly pushOnce?: boolean;
  /** Further arguments of `embedded/main.ts`. */
  readonly args?: readonly string[];
}

/** A folder with a database file and the process that serves it. */
export class ServerProcess {
  readonly #options: ServerOptions;
  readonly #folder = mkdtempSync(path.join(tmpdir(), "embedded-"));
  readonly adminKey = `convex-embedded|${"0123456789abcdef".repeat(4)}`;
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);
  #url = "";
  #siteUrl = "";
  /** The end of what the server wrote to stderr. */
  log = "";

  constructor(options: ServerOptions = {}) {
    this.#options = options;
    writeFileSync(path.join(this.#folder, "admin-key"), this.adminKey, { mode: 0o600 });
  }

  get url(): string {
    return this.#url;
  }

  get siteUrl(): string {
    return this.#siteUrl;
  }

  get dbPath(): string {
    return path.join(this.#folder, "data.db");
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("The server is not running.");
    return pid;
  }

  /** True until the process has ended. */
  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process and resolves when it answers; from the second start on, on the port of the first. */
  async start(): Promise<void> {
    const isFirst = this.#url === "";
    const port = isFirst ? "0" : new URL(this.#url).port;
    const push = isFirst || this.#options.pushOnce !== true;
    const child = spawn(
      process.execPath,
      [
        ...[RUN, MAIN, "--db", this.dbPath],
        ...(push ? ["--dir", this.#options.dir ?? CONFORMANCE_APP] : []),
        ...["--port", port, "--admin-key-file", path.join(this.#folder, "admin-key")],
        ...["--log-level", "warn", ...(this.#options.args ?? [])],
        ...Object.entries(this.#options.env ?? {}).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.log = (this.log + text).slice(-20_000);
    });
    const ready = await this.#readyLine(child);
    this.#url = ready.url;
    this.#siteUrl = ready.siteUrl;
  }

  async #readyLine(child: ChildProcess): Promise<z.infer<typeof vReady>> {
    const lines = createInterface({ input: child.stdout! });
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      const fail = (what: string) => () => reject(new Error(`The server ${what}:\n${this.log}`));
      timer = setTimeout(fail(`was not ready in ${READY_BOUND_MS} ms`), READY_BOUND_MS);
      child.once("close", fail("ended before it was ready"));
    });
    const line = new Promise<string>((resolve) => lines.once("line", resolve));
    try {
      return vReady.parse(JSON.parse(await Promise.race([line, failed])));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the process at once, as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Ends the process in order and answers with its exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_BOUND_MS);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  /** Starts anew with an empty database. */
  async wipe(): Promise<void> {
    await this.kill();
    for (const suffix of ["", "-wal", "-shm", ".lock", ".files"]) {
      rmSync(this.dbPath + suffix, { recursive: true, force: true });
    }
    await this.start();
  }

  /** Stops the process and deletes its files. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The unmodified Convex CLI as child processes, in a project of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { until } from "./fixture.ts";
import { ROOT, type Project } from "./project.ts";

/** What `node_modules/convex/bin/main.js` imports: run by itself it starts in two thirds of the time. */
export const CLI = path.join(ROOT, "node_modules/convex/dist/cli.bundle.cjs");
/** A command that takes longer has hung. */
const COMMAND_BOUND_MS = 60_000;

/** Where the commands go. */
export interface Target {
  readonly url: string;
  readonly adminKey: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class Running {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(project: Project, target: Target, args: readonly string[]) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("CONVEX_"));
    this.#child = spawn(process.execPath, [CLI, ...args], {
      cwd: project.path,
      env: {
        ...Object.fromEntries(inherited),
        CONVEX_SELF_HOSTED_URL: target.url,
        CONVEX_SELF_HOSTED_ADMIN_KEY: target.adminKey,
        // Without it the CLI reports its errors to a service on the internet.
        CI: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Waits until the command has printed something that matches. */
  async printed(pattern: RegExp): Promise<void> {
    await until(
      `${String(pattern)} in the output:\n${this.stdout}\n${this.stderr}`,
      () => pattern.test(this.stdout + this.stderr),
      30_000,
    );
  }

  async ended(): Promise<Ended> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), COMMAND_BOUND_MS);
    const result = await this.#ended;
    clearTimeout(timer);
    return result;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.ended();
  }
}

/** Runs a command to its end. */
export const runCli = (project: Project, target: Target, args: readonly string[]): Promise<Ended> =>
  new Running(project, target, args).ended();

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, renameSync, statSync, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { SlipwayError } from "../../core/errors.ts";
import { sendSignal } from "./processIdentity.ts";

export type ChildSpec = {
  /** As people are told of it: `backend`, `worker`. */
  name: string;
  /** The program and its arguments. */
  command: [program: string, ...args: string[]];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Everything that it writes goes here. */
  logPath: string;
  /** Whether this line of its output says that it is ready for work. */
  isReadyLine: (line: string) => boolean;
  readyWithinMs: number;
  stopWithinMs: number;
  /** Exit codes after which starting it again would do harm: why, and what to do. */
  finalExits?: Record<number, string>;
};

export type ChildHooks = {
  /** One line for people. */
  say: (line: string) => void;
  /** A new process of it runs. */
  onSpawn: (pid: number) => Promise<void>;
};

const KEPT_LINES = 12;
const MAX_LOG_BYTES = 20 * 1024 ** 2;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A child that ran this long was well: its next restart is quick again. */
const WELL_AFTER_MS = 60_000;

/**
 * One child process of the supervisor: started once, started again with a growing pause whenever it dies, until `stop`.
 * It leads a process group of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which then stops
 * its children in order.
 */
export class ManagedChild {
  private child: ChildProcess | null = null;
  private exited: Promise<string> = Promise.resolve("");
  private recent: string[] = [];
  private failures = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly spec: ChildSpec,
    private readonly hooks: ChildHooks,
  ) {}

  /**
   * Resolves when it is ready for the first time; from then on it is kept running.
   * @throws SlipwayError `setup` with its last words, where it ended or was not ready in time
   */
  async start(onLine: (line: string) => void = () => {}): Promise<void> {
    const ready = this.spawnOnce(onLine);
    const deadline = new AbortController();
    const outcome = await Promise.race([
      ready.then(() => "ready" as const),
      this.exited.then((how) => `ended (${how})`),
      timeout(
        this.spec.readyWithinMs,
        `was not ready after ${this.spec.readyWithinMs / 1000} s`,
        deadline.signal,
      ),
    ]);
    deadline.abort();
    if (outcome === "ready") {
      this.keepRunning(Date.now());
      return;
    }
    this.kill();
    throw new SlipwayError({
      code: "setup",
      message: `The ${this.spec.name} ${outcome}.${this.lastWords()}`,
      hint: `All that it said is in ${this.spec.logPath}.`,
    });
  }

  /** SIGTERM, and SIGKILL where that does not end it in time. Nothing restarts it afterwards. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.retryTimer);
    const { child } = this;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    sendSignal(child.pid, "SIGTERM");
    const deadline = new AbortController();
    const outcome = await Promise.race([
      this.exited.then(() => "gone"),
      timeout(this.spec.stopWithinMs, "late", deadline.signal),
    ]);
    deadline.abort();
    if (outcome === "late") {
      this.hooks.say(
        `The ${this.spec.name} did not stop within ${this.spec.stopWithinMs / 1000} s: it is killed.`,
      );
      this.kill();
      await this.exited;
    }
  }

  /** Ends it at once, with whatever it started. */
  kill(): void {
    this.stopping = true;
    clearTimeout(this.retryTimer);
    const pid = this.child?.pid;
    if (pid && this.child?.exitCode === null && this.child.signalCode === null) sendSignal(-pid, "SIGKILL");
  }

  private keepRunning(since: number): void {
    void this.exited.then((how) => {
      if (this.stopping) return;
      const final = this.spec.finalExits?.[this.child?.exitCode ?? -1];
      if (final !== undefined) {
        this.hooks.say(`The ${this.spec.name} ended and stays so: ${final}`);
        return;
      }
      this.failures = Date.now() - since > WELL_AFTER_MS ? 0 : this.failures;
      const pauseMs =
        Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures) * (0.75 + Math.random() / 2);
      this.failures += 1;
      this.hooks.say(
        `The ${this.spec.name} ended (${how}); it starts again in ${(pauseMs / 1000).toFixed(1)} s. Its log: ${this.spec.logPath}`,
      );
      this.retryTimer = setTimeout(() => this.restart(), pauseMs);
    });
  }

  private restart(): void {
    const since = Date.now();
    const ready = this.spawnOnce(() => {});
    this.keepRunning(since);
    void ready.then(() => this.hooks.say(`The ${this.spec.name} is ready again.`));
  }

  /** Resolves when the new process says that it is ready; never rejects. */
  private spawnOnce(onLine: (line: string) => void): Promise<void> {
    const [program, ...args] = this.spec.command;
    this.recent = [];
    const log = openLog(this.spec.logPath);
    const child = spawn(program, args, {
      cwd: this.spec.cwd,
      env: this.spec.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.exited.then(() => log.end());
    if (child.pid) {
      this.hooks.onSpawn(child.pid).catch((error: unknown) => {
        this.hooks.say(`The ${this.spec.name} runs, but its pid file could not be written: ${String(error)}`);
      });
    }
    return new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          log.write(`${line}\n`);
          if (this.recent.push(line) > KEPT_LINES) this.recent.shift();
          onLine(line);
          if (this.spec.isReadyLine(line)) resolve();
        });
      }
    });
  }

  private lastWords(): string {
    return this.recent.length === 0
      ? ""
      : ` Its last words:\n${this.recent.map((line) => `  | ${line}`).join("\n")}\n`;
  }
}

function timeout<T>(ms: number, value: T, signal: AbortSignal): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(value), ms);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

/** Appends to the log; one that grew too long is set aside first as `<name>.1`. */
function openLog(path: string): WriteStream {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  return createWriteStream(path, { flags: "a", mode: 0o600 });
}

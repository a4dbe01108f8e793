import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { beforeExit } from "./interrupt.mjs";
import { SetupError } from "./setupError.ts";
import { setupLogPath } from "./setupLog.ts";

const KILL_GRACE_MS = 3_000;
const KEPT_LINES = 15;

export interface CommandOptions {
  /** After this many milliseconds the child is told to end, and killed a little later. */
  deadlineMs: number;
  /** Each line that the child writes to stderr, and to stdout unless `stdout` takes it. */
  onLine?: (line: string) => void;
  /** Takes the child's standard output, whole and unread, instead of the result's `stdout`. */
  stdout?: NodeJS.WritableStream;
  stdin?: Readable;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Exit codes that are no failure (default: 0 alone). */
  okCodes?: readonly number[];
}

export interface CommandResult {
  code: number;
  /** Standard output as text; empty when `stdout` took it. */
  stdout: string;
}

/**
 * Runs one program with an argument array; its output goes to the set-up log and, line by line, to `onLine`.
 * @throws SetupError `command-failed` (also when the program does not exist) or `command-timeout`, with the last lines
 * of output and the log's path.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const shown = [program, ...args].join(" ");
  const log = (text: string) => appendFileSync(setupLogPath(), text);
  const recent: string[] = [];
  const onLine = (line: string) => {
    log(`${line}\n`);
    if (recent.push(line) > KEPT_LINES) recent.shift();
    options.onLine?.(line);
  };
  log(`\n[${new Date().toISOString()}] $ ${shown}\n`);

  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: [options.stdin ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  const killGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      child.kill(signal);
    }
  };
  const killNow = () => killGroup("SIGKILL");
  const finished = beforeExit(() => killGroup("SIGTERM"));

  let timedOut = false;
  const timers = [
    setTimeout(() => {
      timedOut = true;
      killGroup("SIGTERM");
    }, options.deadlineMs),
    setTimeout(killNow, options.deadlineMs + KILL_GRACE_MS),
  ];

  const kept: Buffer[] = [];
  const childStdout = child.stdout ?? Readable.from([]);
  const streams: Promise<unknown>[] = [eachLine(child.stderr, onLine)];
  if (options.stdout) streams.push(pipeline(childStdout, options.stdout));
  else streams.push(eachLine(childStdout, onLine, (chunk) => kept.push(chunk)));
  if (options.stdin && child.stdin)
    streams.push(pipeline(options.stdin, child.stdin).catch(ignoreClosedPipe));

  try {
    const [code] = await Promise.all([exitCode(child), ...streams]);
    const stdout = Buffer.concat(kept).toString("utf8");
    if (timedOut) {
      throw failure(
        "command-timeout",
        `${shown} was ended: it took over ${options.deadlineMs / 1000} s`,
        recent,
      );
    }
    if (!(options.okCodes ?? [0]).includes(code)) {
      throw failure("command-failed", `${shown} ended with exit code ${code}`, recent);
    }
    return { code, stdout };
  } catch (error) {
    killNow();
    if (error instanceof SetupError) throw error;
    throw failure("command-failed", `${shown} could not run: ${String(error)}`, recent, error);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    finished();
  }
}

function exitCode(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal ? 128 : 1)));
  });
}

async function eachLine(
  stream: Readable | null,
  onLine: (line: string) => void,
  onChunk?: (chunk: Buffer) => void,
) {
  if (!stream) return;
  let rest = "";
  const lines = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onChunk?.(chunk);
      const parts = (rest + chunk.toString("utf8")).split(/\r?\n|\r/);
      rest = parts.pop() ?? "";
      for (const line of parts) if (line.trim() !== "") onLine(line);
      done();
    },
    flush(done) {
      if (rest.trim() !== "") onLine(rest);
      done();
    },
  });
  lines.resume();
  await pipeline(stream, lines);
}

/** A child that has read enough closes its input early; its exit code says whether that was right. */
function ignoreClosedPipe(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
}

function failure(
  code: "command-failed" | "command-timeout",
  what: string,
  recent: string[],
  cause?: unknown,
) {
  const tail = recent.length > 0 ? `\n${recent.map((line) => `  | ${line}`).join("\n")}` : "";
  return new SetupError(code, `${what}${tail}`, `The whole output is in ${setupLogPath()}.`, { cause });
}

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { constants } from "node:os";

/** Children inherit it, however far they go from their parent: into other groups, sessions and working directories. */
const MARK = "SLIPWAY_RUN";
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
/** What is asked to end may put away what it made; after so long it is killed. */
const GRACE_MS = 4_000;

export type MarkedRun = {
  cwd: string;
  /** Standard output and error: the caller's own, or pipes that `onOutput` reads. */
  onOutput?: (chunk: Buffer, stream: "stdout" | "stderr") => void;
  /** Besides this process's own. */
  env?: Record<string, string>;
  graceMs?: number;
  /** After so long it is told to end. */
  deadlineMs?: number;
};

/**
 * Runs a program to its end. Where this process is told to end, so is everything that the program ever started: first
 * its group, politely; then whatever carries its mark, wherever it went.
 * @returns its exit code; 128 and the signal's number where this process was told to end, or its deadline came
 */
export async function markedRun(
  program: string,
  args: readonly string[],
  { cwd, onOutput, env = {}, graceMs = GRACE_MS, deadlineMs }: MarkedRun,
): Promise<number> {
  const mark = randomUUID();
  const through = onOutput ? "pipe" : "inherit";
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env, [MARK]: mark },
    stdio: ["ignore", through, through],
    // A group of its own: a terminal's Ctrl-C comes to this process alone, and goes on from here in the same way.
    detached: true,
  });
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (chunk: Buffer) => onOutput?.(chunk, stream));
  }
  let told: NodeJS.Signals | null = null;
  let patience: NodeJS.Timeout | undefined;
  const end = (signal: NodeJS.Signals) => {
    signalGroup(child.pid, signal);
    // Who is told a second time is in a hurry.
    patience ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), told === null ? graceMs : 0);
    told ??= signal;
  };
  for (const signal of SIGNALS) process.on(signal, end);
  const deadline = deadlineMs === undefined ? undefined : setTimeout(() => end("SIGTERM"), deadlineMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      // Not `close`: a pipe stays open for as long as anything that inherited it lives.
      child.once("exit", resolve);
    });
    if (told === null) return code ?? 1;
    signalGroup(child.pid, "SIGKILL");
    await killMarked(mark);
    return 128 + constants.signals[told];
  } finally {
    clearTimeout(patience);
    clearTimeout(deadline);
    for (const signal of SIGNALS) process.off(signal, end);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Until a look finds none: one may have started another while it was looked at. */
async function killMarked(mark: string): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    const pids = await markedProcesses(mark);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
  }
}

/** Linux alone tells other processes' environments; elsewhere their group has to do. */
async function markedProcesses(mark: string): Promise<number[]> {
  const names = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
        return environment.split("\0").includes(`${MARK}=${mark}`) ? [Number(name)] : [];
      }),
  );
  return found.flat().filter((pid) => pid !== process.pid);
}

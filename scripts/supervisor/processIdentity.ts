import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { isErrorCode } from "../setup/dataDir.ts";

/** A process that is told apart from a later one that got the same number. */
export type ProcessIdentity = { pid: number; startTime: string };

const START_TIME_FIELD = 22;

/** When `pid` started, as text that only compares for equality; null where there is no such process (or a zombie). */
export async function startTimeOf(pid: number): Promise<string | null> {
  if (process.platform !== "linux") return await startTimeFromPs(pid);
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets and may hold anything, so count from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[0];
    return state === "Z" || state === "X" ? null : (fields[START_TIME_FIELD - 3] ?? null);
  } catch (error) {
    if (isErrorCode(error, "ENOENT") || isErrorCode(error, "ESRCH")) return null;
    throw error;
  }
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTimeOf(identity.pid)) === identity.startTime;
}

/** Sends `signal` unless the process is gone already. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrorCode(error, "ESRCH")) throw error;
  }
}

async function startTimeFromPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], {
      timeout: 5000,
    });
    return stdout.trim() || null;
  } catch {
    return null;
  }
}

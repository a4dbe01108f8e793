import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { runCommand } from "./command.ts";
import { DEFAULT_SOCKET, findProgram, pingSocket } from "./engineProbe.ts";
import { SetupError } from "./setupError.ts";

const PID_FILE = "/var/run/docker.pid";
const CONTAINERD_FOLDER = "/var/run/docker/containerd";
const SERVICE_DEADLINE_MS = 90_000;
const READY_DEADLINE_MS = 60_000;
const PAUSE_MS = 100;

/**
 * Starts the engine that is installed here: by systemd or the init script where these work, else detached from us, with
 * its log in `/var/log/slipway-dockerd.log`.
 * @throws SetupError `engine-unreachable` with the log's path
 */
export async function startEngine(onLine: (line: string) => void): Promise<void> {
  if (await startByService(onLine)) return;
  await removeStalePidFiles(onLine);
  if (await startDetached(onLine)) return;
  // A killed engine's containerd may be left; a new engine adopts it, unless it hangs.
  await endLeftoverContainerd(onLine);
  if (await startDetached(onLine)) return;
  throw new SetupError(
    "engine-unreachable",
    "Docker Engine was started but does not answer",
    `Its log is ${ENGINE_LOG}; its last lines say why.`,
  );
}

/** Not in the data directory: the engine is the machine's, and lives on when Slipway's data is removed. */
export const ENGINE_LOG = "/var/log/slipway-dockerd.log";

/** True when a service manager started it. In containers they often cannot, which is no failure yet. */
async function startByService(onLine: (line: string) => void): Promise<boolean> {
  const command = existsSync("/run/systemd/system")
    ? ["systemctl", "start", "docker"]
    : existsSync("/etc/init.d/docker") && (await findProgram("service"))
      ? ["service", "docker", "start"]
      : undefined;
  if (!command) return false;
  const [program = "", ...args] = command;
  try {
    await runCommand(program, args, { deadlineMs: SERVICE_DEADLINE_MS, onLine });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    onLine(`${command.join(" ")} did not work`);
    return false;
  }
  return untilItAnswers(READY_DEADLINE_MS, async () => !(await isRunning(PID_FILE, "dockerd")));
}

async function startDetached(onLine: (line: string) => void): Promise<boolean> {
  const program = await findProgram("dockerd");
  if (!program) return false;
  onLine(`starting dockerd, log in ${ENGINE_LOG}`);
  const log = openSync(ENGINE_LOG, "a", 0o600);
  const child = spawn(program, [], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  let ended = false;
  child.once("exit", () => (ended = true));
  child.once("error", () => (ended = true));
  child.unref();
  const answers = await untilItAnswers(READY_DEADLINE_MS, async () => ended);
  if (!answers && !ended) child.kill("SIGTERM");
  return answers;
}

/** Waits for the engine's answer, until the bound or until `lost` says that it will not come. */
async function untilItAnswers(withinMs: number, lost: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    if ((await pingSocket(DEFAULT_SOCKET)) === "ok") return true;
    if (await lost()) return false;
    await pause(PAUSE_MS);
  }
  return false;
}

/** Pid files whose process is gone, or whose number another program has by now, keep an engine from starting. */
async function removeStalePidFiles(onLine: (line: string) => void): Promise<void> {
  for (const [file, program] of [
    [PID_FILE, "dockerd"],
    [path.join(CONTAINERD_FOLDER, "containerd.pid"), "containerd"],
  ] as const) {
    if (!existsSync(file) || (await isRunning(file, program))) continue;
    onLine(`removing ${file}, which a killed engine left`);
    await rm(file, { force: true });
  }
}

/** Ends the containerd of an engine that is gone. Containers have their own processes and live on. */
async function endLeftoverContainerd(onLine: (line: string) => void): Promise<void> {
  const file = path.join(CONTAINERD_FOLDER, "containerd.pid");
  if ((await isRunning(PID_FILE, "dockerd")) || !(await isRunning(file, "containerd"))) return;
  const pid = await pidIn(file);
  onLine(`ending containerd (pid ${pid}), which a killed engine left`);
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + 10_000;
  while ((await isRunning(file, "containerd")) && Date.now() < deadline) await pause(PAUSE_MS);
  if (await isRunning(file, "containerd")) process.kill(pid, "SIGKILL");
  await rm(file, { force: true });
}

async function pidIn(file: string): Promise<number> {
  return Number((await readFile(file, "utf8").catch(() => "")).trim() || Number.NaN);
}

/** Whether the process that a pid file names is there and is that program. */
async function isRunning(file: string, program: string): Promise<boolean> {
  const pid = await pidIn(file);
  if (!Number.isInteger(pid)) return false;
  return (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim() === program;
}

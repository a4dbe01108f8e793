import Docker from "dockerode";
import { track } from "../progress/progress.mjs";
import type { Progress, Step } from "../progress/progress.mjs";
import { decideEngine } from "./engineDecision.ts";
import { installEngine } from "./engineInstall.ts";
import { DEFAULT_SOCKET, pingSocket, probeEngine } from "./engineProbe.ts";
import { startEngine } from "./engineStart.ts";
import { withinDeadline } from "./deadline.ts";
import { withLock } from "./lock.mjs";

const VERSION_DEADLINE_MS = 15_000;

export interface Engine {
  version: string;
  /** The socket, or the URL out of DOCKER_HOST. */
  socketPath: string;
  /** Whether this call installed it. */
  installed: boolean;
  /** Whether this call started it. */
  started: boolean;
}

/**
 * Makes a Docker Engine answer: one that runs is used as it is; where there is none, on Debian or Ubuntu as root, it is
 * installed from the distribution's packages and started. An engine found at a user's own socket is put into
 * DOCKER_HOST for this process and its children.
 * @throws SetupError `engine-missing`, `engine-unreachable` or `engine-permission` with the command to type;
 * `command-failed` when apt failed
 */
export async function ensureEngine(options: { progress: Progress }): Promise<Engine> {
  const probe = await probeEngine();
  const decision = decideEngine(probe);
  if (decision.action === "refuse") throw decision.error;
  if (decision.action === "use") {
    if (!probe.addressGiven && probe.address !== DEFAULT_SOCKET) {
      process.env["DOCKER_HOST"] = `unix://${probe.address}`;
    }
    return { ...(await describe(probe.address)), installed: false, started: false };
  }
  let waiting: Step | undefined;
  const work = () => {
    waiting?.drop();
    return bringUp(options.progress, decision.action);
  };
  const onWait = () => {
    waiting = options.progress.step("Docker Engine, which another process is setting up");
  };
  return withLock("engine", work, { onWait });
}

async function bringUp(progress: Progress, action: "install" | "start"): Promise<Engine> {
  // Another process may have done it while this one waited for the lock.
  if ((await pingSocket(DEFAULT_SOCKET)) === "ok") {
    return { ...(await describe(DEFAULT_SOCKET)), installed: false, started: false };
  }
  if (action === "install") {
    await track(
      progress,
      "Docker Engine was not here: installing it from the distribution's packages",
      (step) => installEngine((line) => step.detail(line)),
    );
  }
  // The package's own script may have started it already.
  if ((await pingSocket(DEFAULT_SOCKET)) !== "ok") {
    await track(progress, "Starting Docker Engine", (step) => startEngine((line) => step.detail(line)));
  }
  return { ...(await describe(DEFAULT_SOCKET)), installed: action === "install", started: true };
}

async function describe(socketPath: string): Promise<Pick<Engine, "version" | "socketPath">> {
  const { Version } = await withinDeadline(
    new Docker().version(),
    VERSION_DEADLINE_MS,
    "Asking for the engine's version",
  );
  return { version: Version, socketPath };
}

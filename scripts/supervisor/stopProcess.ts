import { setTimeout as delay } from "node:timers/promises";
import { isAlive, sendSignal, type ProcessIdentity } from "./processIdentity.ts";
import { PARTS, releasePart, runningPart } from "./pidFile.ts";

const LOOK_EVERY_MS = 50;
const KILLED_WITHIN_MS = 5000;

/** How long each part may take to stop cleanly before it is killed. The supervisor waits for the other two. */
export const STOP_WITHIN_MS = { worker: 15_000, backend: 8000, supervisor: 30_000 } as const;

/**
 * Ends a process that is not our child: SIGTERM, and SIGKILL after `withinMs`.
 * @returns whether it went by itself
 */
export async function stopProcess(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  if (!(await isAlive(identity))) return true;
  sendSignal(identity.pid, "SIGTERM");
  if (await isGoneWithin(identity, withinMs)) return true;
  sendSignal(identity.pid, "SIGKILL");
  await isGoneWithin(identity, KILLED_WITHIN_MS);
  return false;
}

/**
 * Stops whatever runs for `dataDir`: the supervisor, which stops its children, and children that a killed supervisor
 * left behind.
 * @returns the parts that were stopped
 */
export async function stopEverything(dataDir: string): Promise<string[]> {
  const stopped: string[] = [];
  for (const part of [...PARTS].sort((a, b) => order(a) - order(b))) {
    const running = await runningPart(dataDir, part);
    if (!running || running.pid === process.pid) continue;
    await stopProcess(running, STOP_WITHIN_MS[part]);
    await releasePart(dataDir, part);
    stopped.push(part);
  }
  return stopped;
}

/** The worker goes before the backend that it reports to. */
function order(part: (typeof PARTS)[number]): number {
  return ["supervisor", "worker", "backend"].indexOf(part);
}

async function isGoneWithin(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs;
  while (Date.now() < until) {
    if (!(await isAlive(identity))) return true;
    await delay(LOOK_EVERY_MS);
  }
  return !(await isAlive(identity));
}

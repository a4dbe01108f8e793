import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "./command.ts";
import { SetupError } from "./setupError.ts";

const LISTS = "/var/lib/apt/lists";
const STALE_AFTER_MS = 24 * 3_600_000;
const UPDATE_DEADLINE_MS = 5 * 60_000;
const INSTALL_DEADLINE_MS = 15 * 60_000;

/**
 * Installs packages of the distribution, with what they need and nothing else.
 * @param optional installed only where the distribution has them
 * @throws SetupError with apt's last lines and the log's path
 */
export async function aptInstall(
  packages: readonly string[],
  onLine: (line: string) => void,
  optional: readonly string[] = [],
): Promise<void> {
  let updated = false;
  const update = async () => {
    onLine("reading the package lists");
    updated = true;
    try {
      await aptGet(["update"], UPDATE_DEADLINE_MS, onLine);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      // One broken third-party list fails the whole update; the distribution's own may be there all the same.
      onLine("apt-get update complained; trying with the lists there are");
    }
  };
  if (await listsAreStale()) await update();
  try {
    await install(packages, optional, onLine);
  } catch (error) {
    // Lists that look fresh may still name packages that the mirror has replaced.
    if (updated || !(error instanceof SetupError)) throw error;
    await update();
    await install(packages, optional, onLine);
  }
}

async function install(
  packages: readonly string[],
  optional: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  const there = [];
  for (const name of optional) {
    const { stdout } = await runCommand("apt-cache", ["policy", name], { deadlineMs: 30_000 });
    if (/Candidate: (?!\(none\))\S/.test(stdout)) there.push(name);
  }
  const args = ["install", "-y", "--no-install-recommends", ...packages, ...there];
  await aptGet(args, INSTALL_DEADLINE_MS, onLine);
}

async function aptGet(args: string[], deadlineMs: number, onLine: (line: string) => void): Promise<void> {
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: "noninteractive",
    NEEDRESTART_SUSPEND: "1",
    LC_ALL: "C.UTF-8",
  };
  await runCommand("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], { deadlineMs, onLine, env });
}

/** True when the machine's package lists are missing or older than a day. */
async function listsAreStale(): Promise<boolean> {
  const names = await readdir(LISTS).catch(() => []);
  const lists = names.filter((name) => /_Packages(\.\w+)?$/.test(name));
  if (lists.length === 0) return true;
  // A mirror's own date stays on a list; the folder's says when apt last worked in it.
  const { mtimeMs } = await stat(path.join(LISTS, "."));
  return Date.now() - mtimeMs > STALE_AFTER_MS;
}

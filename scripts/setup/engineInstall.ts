import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "./command.ts";
import { SetupError } from "./setupError.ts";

const LISTS = "/var/lib/apt/lists";
const STALE_AFTER_MS = 24 * 3_600_000;
const UPDATE_DEADLINE_MS = 5 * 60_000;
const INSTALL_DEADLINE_MS = 15 * 60_000;

/** What goes in: `docker-cli` where the distribution has split it off; AppArmor's parser, without which an engine on a
 * kernel with AppArmor starts no container. */
const PACKAGES = ["docker.io", "iptables", "ca-certificates", "apparmor"];
const OPTIONAL_PACKAGES = ["docker-cli"];

/**
 * Installs Docker Engine from the distribution's packages.
 * @throws SetupError with apt's last lines and the log's path
 */
export async function installEngine(onLine: (line: string) => void): Promise<void> {
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
    await install(onLine);
  } catch (error) {
    // Lists that look fresh may still name packages that the mirror has replaced.
    if (updated || !(error instanceof SetupError)) throw error;
    await update();
    await install(onLine);
  }
}

async function install(onLine: (line: string) => void): Promise<void> {
  const optional = [];
  for (const name of OPTIONAL_PACKAGES) {
    const { stdout } = await runCommand("apt-cache", ["policy", name], { deadlineMs: 30_000 });
    if (/Candidate: (?!\(none\))\S/.test(stdout)) optional.push(name);
  }
  const args = ["install", "-y", "--no-install-recommends", ...PACKAGES, ...optional];
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

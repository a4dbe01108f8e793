import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../setup/command.ts";
import { formatSources } from "./aptSources.ts";
import { machineSources } from "./machineSources.ts";
import { makeScratch } from "./scratch.ts";

const UPDATE_DEADLINE_MS = 5 * 60_000;
const RESOLVE_DEADLINE_MS = 60_000;
const DOWNLOAD_DEADLINE_MS = 10 * 60_000;

/** Debian's names for the architectures that Node names its own way. */
const ARCHITECTURES: Record<string, string> = { x64: "amd64", ia32: "i386", arm: "armhf", ppc64: "ppc64el" };

/** A private apt: the machine's proxies, certificates and keys, but lists, cache and (empty) status of its own. */
export interface AptWorkspace {
  /** A folder that lives as long as the workspace. */
  folder: string;
  /**
   * Downloads the packages and what they depend on, verified by apt, as on a machine that has nothing installed.
   * @returns paths of the `.deb` files.
   */
  fetch(packages: readonly string[], onLine: (line: string) => void): Promise<string[]>;
  /** Removes everything that the workspace made. */
  close(): Promise<void>;
}

/** Reads the package lists once; every image of a run shares them and what was downloaded. */
export async function openAptWorkspace(onLine: (line: string) => void): Promise<AptWorkspace> {
  const sources = await machineSources();
  const { folder, close } = await makeScratch("apt");
  try {
    // apt downloads as its own user, who has to reach these folders.
    await chmod(folder, 0o755);
    for (const name of ["state/lists/partial", "cache/archives/partial", "none/partial"]) {
      await mkdir(path.join(folder, name), { recursive: true });
    }
    await writeFile(path.join(folder, "own.sources"), formatSources(sources));
    await writeFile(path.join(folder, "status"), "");
    await writeFile(path.join(folder, "apt.conf"), aptConfiguration(folder));
    const apt = aptGet(path.join(folder, "apt.conf"));
    await apt(["update"], UPDATE_DEADLINE_MS, onLine);

    let queue: Promise<unknown> = Promise.resolve();
    const fetch = async (packages: readonly string[], line: (text: string) => void) => {
      const listed = await apt(
        ["install", "--print-uris", "-o", `Dir::Cache::archives=${folder}/none/`, ...packages],
        RESOLVE_DEADLINE_MS,
        () => {},
      );
      const names = printedFileNames(listed);
      await apt(["install", "--download-only", ...packages], DOWNLOAD_DEADLINE_MS, line);
      const present = new Set(await readdir(path.join(folder, "cache/archives")));
      const missing = names.filter((name) => !present.has(name));
      if (missing.length > 0) throw new Error(`apt did not download ${missing.join(", ")}`);
      return names.map((name) => path.join(folder, "cache/archives", name));
    };
    return {
      folder,
      fetch(packages, line) {
        const mine = queue.then(() => fetch(packages, line));
        queue = mine.catch(() => {});
        return mine;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** File names out of `apt-get install --print-uris`: lines of `'uri' name size hash`. */
export function printedFileNames(output: string): string[] {
  return output.split("\n").flatMap((line) => {
    const match = /^'[^']+' (\S+\.deb) \d+/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

const aptGet =
  (configuration: string) =>
  async (args: string[], deadlineMs: number, onLine: (line: string) => void): Promise<string> => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
    return (await runCommand("apt-get", ["-c", configuration, ...args], { deadlineMs, onLine, env })).stdout;
  };

/** Read after the machine's own configuration, so that proxies and certificates stay and its hooks do not run. */
function aptConfiguration(folder: string): string {
  return `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architectures { "${ARCHITECTURES[process.arch] ?? process.arch}"; };
Dir::Etc::sourcelist "${folder}/own.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "${folder}/state";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Get::Assume-Yes "true";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
`;
}

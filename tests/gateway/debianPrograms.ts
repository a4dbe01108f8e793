import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Programs of Debian's packages, unpacked into a folder of their own: nothing is installed on the machine. */

const run = promisify(execFile);
const DOWNLOAD_MS = 120_000;

export type Program = {
  path: string;
  /** What it needs in its environment to find its own libraries. */
  env: NodeJS.ProcessEnv;
};

/**
 * @param names programs that PATH may have already, or else the packages bring
 * @throws Error where neither does
 */
export async function debianPrograms<Name extends string>(
  names: readonly Name[],
  packages: readonly string[],
  folder: string,
): Promise<Record<Name, Program>> {
  const installed = await Promise.all(names.map(onPath));
  if (installed.every((path) => path !== null)) {
    return Object.fromEntries(
      names.map((name, index) => [name, { path: installed[index], env: process.env }]),
    ) as Record<Name, Program>;
  }
  const unpacked = join(folder, "packages");
  await mkdir(unpacked, { recursive: true });
  try {
    await run("apt-get", ["download", ...packages], { cwd: unpacked, timeout: DOWNLOAD_MS });
    for (const archive of (await readdir(unpacked)).filter((name) => name.endsWith(".deb"))) {
      await run("dpkg-deb", ["-x", join(unpacked, archive), unpacked], { timeout: DOWNLOAD_MS });
    }
  } catch (cause) {
    throw new Error(`${names.join(", ")} cannot be had from Debian's packages: install them.`, { cause });
  }
  const libraries = join(unpacked, "usr/lib", `${await multiarch()}`);
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const programs = names.map((name): [Name, Program] => [
    name,
    { path: join(unpacked, "usr/bin", name), env },
  ]);
  return Object.fromEntries(programs) as Record<Name, Program>;
}

async function onPath(name: string): Promise<string | null> {
  return await run("/bin/sh", ["-c", 'command -v "$0"', name]).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

async function multiarch(): Promise<string> {
  const { stdout } = await run("dpkg-architecture", ["-qDEB_HOST_MULTIARCH"]).catch(() => ({ stdout: "" }));
  return stdout.trim() || (process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu");
}

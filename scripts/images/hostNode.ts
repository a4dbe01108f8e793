import { access, copyFile, cp, mkdir, realpath, symlink } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../setup/command.ts";

/**
 * Packages that an image needs besides the copy of this machine's Node.js: the distribution's own build keeps parts of
 * itself in other packages, so there the package goes in, and nothing is copied.
 */
export async function hostNodePackages(): Promise<string[]> {
  return isDistributionBuild(await hostNodeLibraries()) ? ["nodejs"] : [];
}

/** Copies the Node.js that runs this process, the libraries that `root` does not have yet, and its npm into `root`. */
export async function copyHostNode(root: string): Promise<void> {
  const libraries = await hostNodeLibraries();
  if (isDistributionBuild(libraries)) return;
  const binary = await realpath(process.execPath);
  await mkdir(path.join(root, "usr/local/bin"), { recursive: true });
  await copyFile(binary, path.join(root, "usr/local/bin/node"));
  for (const library of libraries) {
    const target = path.join(root, library);
    if (await exists(target)) continue;
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(await realpath(library), target);
  }
  await copyNpm(binary, root);
}

async function hostNodeLibraries(): Promise<string[]> {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = await runCommand("ldd", [await realpath(process.execPath)], { deadlineMs: 10_000, env });
  return linkedLibraries(stdout);
}

const isDistributionBuild = (libraries: readonly string[]): boolean =>
  libraries.some((library) => path.basename(library).startsWith("libnode.so"));

/** Absolute paths out of what `ldd` prints. */
export function linkedLibraries(lddOutput: string): string[] {
  return lddOutput.split("\n").flatMap((line) => {
    const match = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
}

/** npm as Node's own packages lay it out; an image without it still runs every starter. */
async function copyNpm(binary: string, root: string): Promise<void> {
  const npm = path.join(path.dirname(binary), "../lib/node_modules/npm");
  if (!(await exists(path.join(npm, "bin/npm-cli.js")))) return;
  const leftOut = ["docs", "man"].map((name) => path.join(npm, name));
  await cp(npm, path.join(root, "usr/local/lib/node_modules/npm"), {
    recursive: true,
    filter: (source) => !leftOut.includes(source),
  });
  for (const name of ["npm", "npx"]) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(root, "usr/local/bin", name));
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

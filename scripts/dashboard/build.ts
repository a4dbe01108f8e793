import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Progress, Step } from "../progress/progress.mjs";
import { runCommand } from "../setup/command.ts";
import { REPOSITORY } from "../setup/dataDir.ts";
import { withLock } from "../setup/lock.mjs";
import { SetupError } from "../setup/setupError.ts";
import { setupLogPath } from "../setup/setupLog.ts";
import { compressFiles } from "./compress.ts";
import { sourcesHash } from "./sources.ts";

/** In a build: the hash of what it was built from. */
const BUILT_FROM = ".built-from";
/** Minutes on a machine that also builds images. */
const BUILD_WITHIN_MS = 10 * 60_000;
/** Of what the build tool says of a failure. */
const MOST_LINES = 14;

export type BuildOptions = {
  progress: Progress;
  /** A checkout with its packages; this one by default. */
  root?: string;
};

/**
 * Builds the dashboard into `dashboard/dist`, unless what is there was built from the very same sources. It takes the
 * place of the one before as a whole: whoever serves it never sees half of it, and a failed build leaves the last one.
 * @returns whether it was built
 * @throws SetupError `dashboard-failed` with the last words of the build
 */
export async function ensureDashboard({ progress, root = REPOSITORY }: BuildOptions): Promise<boolean> {
  const hash = await sourcesHash(root);
  if (await isBuiltFrom(root, hash)) return false;
  const name = `dashboard-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`;
  let waiting: Step | undefined;
  const work = async () => {
    waiting?.drop();
    if (await isBuiltFrom(root, hash)) return false;
    const step = progress.step("Building the dashboard");
    const said: string[] = [];
    try {
      await build(root, hash, (line) => {
        said.push(stripVTControlCharacters(line));
        step.detail(said.at(-1)!);
      });
      step.done("Dashboard built");
      return true;
    } catch (error) {
      step.fail();
      throw buildFailed(error, said);
    }
  };
  return await withLock(name, work, {
    onWait: () => (waiting = progress.step("The dashboard, which another process is building")),
    deadlineMs: BUILD_WITHIN_MS,
  });
}

/** Whether there is a build of any sources: a page is served then, if not the newest. */
export async function hasDashboard(root = REPOSITORY): Promise<boolean> {
  return (await readIfThere(join(root, "dashboard/dist", BUILT_FROM))) !== null;
}

async function isBuiltFrom(root: string, hash: string): Promise<boolean> {
  return (await readIfThere(join(root, "dashboard/dist", BUILT_FROM)))?.trim() === hash;
}

async function build(root: string, hash: string, onLine: (line: string) => void): Promise<void> {
  const folder = join(root, "dashboard");
  // Only who holds the lock makes any, so these are of processes that are gone.
  for (const name of await readdir(folder)) {
    if (/^dist\./.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  const next = join(folder, `dist.next-${process.pid}`);
  const before = join(folder, `dist.before-${process.pid}`);
  const vite = join(root, "node_modules/vite/bin/vite.js");
  try {
    await runCommand(process.execPath, [vite, "build", "--config", join(folder, "vite.config.ts")], {
      cwd: root,
      env: { ...process.env, SLIPWAY_DASHBOARD_OUT: next, NO_COLOR: "1", NODE_ENV: "production" },
      deadlineMs: BUILD_WITHIN_MS,
      onLine,
    });
    await compressFiles(next);
    await writeFile(join(next, BUILT_FROM), `${hash}\n`);
    await rename(join(folder, "dist"), before).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    await rename(next, join(folder, "dist"));
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(before, { recursive: true, force: true });
  }
}

/** @param said by the build tool: what went wrong, and then where in the tool's own code */
function buildFailed(cause: unknown, said: string[]): SetupError {
  const from = said.findIndex((line) => /error during build/i.test(line));
  const why = said.slice(from + 1).filter((line) => !/^\s+at /.test(line));
  const shown =
    from < 0 ? [cause instanceof Error ? cause.message : String(cause)] : why.slice(0, MOST_LINES);
  return new SetupError(
    "dashboard-failed",
    `The dashboard could not be built:\n${shown.map((line) => `  | ${line}`).join("\n")}\n`,
    `Mend that, then: npm run dashboard:build. All else runs without it. The whole output is in ${setupLogPath()}.`,
    { cause },
  );
}

async function readIfThere(path: string): Promise<string | null> {
  return await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { dataPaths, ensurePrivateFolder, isErrorCode, writePrivateFile } from "../setup/dataDir.ts";
import { withLock } from "../setup/lock.mjs";
import { isAlive, startTimeOf } from "./processIdentity.ts";

/** Who runs for this data directory: one file a part in `run/`. Written by the supervisor, read by every command. */

export const PARTS = ["supervisor", "backend", "worker"] as const;
export type Part = (typeof PARTS)[number];

const vPidFile = z.strictObject({
  pid: z.int().min(1),
  startTime: z.string(),
  /** ms since 1970. */
  startedAt: z.number(),
});
export type PidFile = z.infer<typeof vPidFile>;

function pidPath(dataDir: string, part: Part): string {
  return join(dataPaths(dataDir).run, `${part}.json`);
}

/** The living process of `part`, or null. A file left over by a dead process counts as none. */
export async function runningPart(dataDir: string, part: Part): Promise<PidFile | null> {
  const file = await readPidFile(pidPath(dataDir, part));
  return file && (await isAlive(file)) ? file : null;
}

/**
 * Writes that `pid` is `part`.
 * @returns null when done, or the living process that has that part already
 */
export async function claimPart(dataDir: string, part: Part, pid: number): Promise<PidFile | null> {
  const path = pidPath(dataDir, part);
  const lock = `pid-${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
  return await withLock(lock, async () => {
    const holder = await runningPart(dataDir, part);
    if (holder && holder.pid !== pid) return holder;
    await ensurePrivateFolder(dataPaths(dataDir).run);
    const startTime = (await startTimeOf(pid)) ?? "gone";
    await writePrivateFile(path, JSON.stringify({ pid, startTime, startedAt: Date.now() } satisfies PidFile));
    return null;
  });
}

export async function releasePart(dataDir: string, part: Part): Promise<void> {
  await rm(pidPath(dataDir, part), { force: true });
}

async function readPidFile(path: string): Promise<PidFile | null> {
  try {
    return vPidFile.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (isErrorCode(error, "ENOENT") || error instanceof SyntaxError || error instanceof z.ZodError)
      return null;
    throw error;
  }
}

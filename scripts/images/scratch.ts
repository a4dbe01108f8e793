import { mkdtempSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { beforeExit } from "../setup/interrupt.mjs";

const PREFIX = "slipway-build-";

/** A temporary folder that goes with `close`, with this process's end, or, after a kill, when the next one is made. */
export async function makeScratch(purpose: string): Promise<{ folder: string; close(): Promise<void> }> {
  await removeLeftovers();
  let made: string | null = null;
  // Before the folder is there, and made without a turn of the event loop: a signal in between would leave it behind.
  const finished = beforeExit(() => {
    if (made !== null) rmSync(made, { recursive: true, force: true });
  });
  const folder = (made = mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-${purpose}-`)));
  return {
    folder,
    async close() {
      await rm(folder, { recursive: true, force: true });
      finished();
    },
  };
}

/** True while a process of that id runs on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

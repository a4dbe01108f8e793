import { chmod, chown, lstat, readdir, rename, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { dirname, join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";

/** A short name, because Linux allows a socket's path few bytes; with the process that is about to listen there. */
const UNFINISHED = /^d\.(\d+)$/;

/** Linux's limit; Node would silently bind what fits. */
const MOST_PATH_BYTES = 107;

export type Owner = { uid: number; gid: number };

/**
 * Has `server` listen at the unix socket `path`, which `owner` may connect to besides root, and nobody else. A socket that
 * is there already is taken over: the worker that made it is gone, or about to be.
 * @returns takes the socket away, unless another process has put its own there since
 * @throws SlipwayError `setup` where the path is too long
 */
export async function listenAt(server: Server, path: string, owner: Owner): Promise<() => Promise<void>> {
  const folder = dirname(path);
  await removeUnfinished(folder);
  // Under a name of its own first: Node removes the name that it bound, and by then that could be a successor's.
  const bound = join(folder, `d.${process.pid}`);
  await rm(bound, { force: true });
  if (Buffer.byteLength(bound) > MOST_PATH_BYTES) {
    throw new SlipwayError({
      code: "setup",
      message: `${folder} has a longer path than a unix socket in it may have.`,
      hint: "Use a shorter data directory: SLIPWAY_DATA.",
    });
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(bound, resolve);
  });
  await chmod(bound, 0o600);
  if (process.getuid?.() === 0) await chown(bound, owner.uid, owner.gid);
  const own = await lstat(bound);
  await rename(bound, path);
  return async () => {
    const present = await lstat(path).catch(() => null);
    // Numbers of inodes come again.
    if (present?.ino === own.ino && present.birthtimeMs === own.birthtimeMs) await rm(path, { force: true });
  };
}

/** What processes left that were killed between listening and giving the socket its name. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = UNFINISHED.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

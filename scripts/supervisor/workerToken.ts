import { rmSync } from "node:fs";
import { ensurePrivateFolder, dataPaths, writePrivateFile } from "../setup/dataDir.ts";
import { mintToken, readKeys, type Keys } from "../setup/keys.ts";

const TTL_MS = 24 * 3_600_000;
/** Long before the old one ends: a machine may sleep for hours. */
const RENEW_EVERY_MS = 12 * 3_600_000;

/**
 * Keeps a fresh worker's token in a file of mode 0600, which the worker reads again whenever it needs one.
 * @returns the file's path, and how to end the renewal and take the token away
 */
export async function keepWorkerToken(
  dataDir: string,
  keys: Keys,
  hostName: string,
): Promise<{ path: string; end: () => void }> {
  const { run, workerToken: path } = dataPaths(dataDir);
  await ensurePrivateFolder(run);
  const write = async () => {
    // Read anew: the key may have been rotated since the start.
    const token = await mintToken((await readKeys(dataDir)) ?? keys, {
      role: "worker",
      sub: `worker:${hostName}`,
      host: hostName,
      ttlMs: TTL_MS,
    });
    await writePrivateFile(path, token);
  };
  await write();
  const timer = setInterval(() => void write().catch(retrySoon), RENEW_EVERY_MS);
  let retry: NodeJS.Timeout | undefined;
  /** A full disk, most likely: the old token has hours left. */
  function retrySoon(): void {
    retry = setTimeout(() => void write().catch(retrySoon), 60_000);
  }
  return {
    path,
    end: () => {
      clearInterval(timer);
      clearTimeout(retry);
      rmSync(path, { force: true });
    },
  };
}

import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this checkout. */
export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Where one instance of Slipway keeps what it must not lose: `SLIPWAY_DATA`, or `data/` in the checkout. */
export function dataDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return resolve(environment.SLIPWAY_DATA || join(REPOSITORY, "data"));
}

/** Everything inside a data directory, by name. */
export function dataPaths(dataDir: string) {
  return {
    instance: join(dataDir, "instance.json"),
    keys: join(dataDir, "keys"),
    database: join(dataDir, "slipway.db"),
    gateway: join(dataDir, "gateway"),
    logs: join(dataDir, "logs"),
    run: join(dataDir, "run"),
    workerToken: join(dataDir, "run", "worker.jwt"),
  };
}

/** Makes `folder` so that only its owner may look inside. */
export async function ensurePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Writes `text` so that a reader sees the old file or the whole new one, also after a power failure; mode 0600. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.${Date.now().toString(36)}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Whether `error` is Node's error `code`, like `ENOENT`. */
export function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

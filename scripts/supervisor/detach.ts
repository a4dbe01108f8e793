import { spawn } from "node:child_process";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import { dataPaths, ensurePrivateFolder, REPOSITORY } from "../setup/dataDir.ts";
import type { Addresses } from "./addresses.ts";
import { nodeCommand } from "../setup/nodeCommand.ts";

const LOOK_EVERY_MS = 150;

const vReady = z.object({
  event: z.literal("ready"),
  addresses: z.object({
    dashboard: z.string(),
    gateway: z.string(),
    backend: z.string(),
    dataDir: z.string(),
    projects: z.array(z.object({ slug: z.string(), status: z.string(), urls: z.array(z.string()) })),
  }),
});

/**
 * Starts `slipway up` as a process of its own that outlives this one and the terminal; shows what it says until it is
 * ready. Its log is `logs/supervisor.log`.
 * @throws SlipwayError where it ended before it was ready
 */
export async function superviseDetached(
  dataDir: string,
  httpPort: number | undefined,
  show: (text: string) => void,
): Promise<Addresses> {
  const { logs } = dataPaths(dataDir);
  await ensurePrivateFolder(logs);
  const logPath = join(logs, "supervisor.log");
  const log = await open(logPath, "a+", 0o600);
  const tail = new Tail(log, (await log.stat()).size, show);
  try {
    const [program, ...args] = nodeCommand("scripts/cli/main.ts", "up");
    if (httpPort !== undefined) args.push("--port", String(httpPort));
    const child = spawn(program, args, {
      cwd: REPOSITORY,
      env: { ...process.env, SLIPWAY_DATA: dataDir, NO_COLOR: "1" },
      stdio: ["ignore", log.fd, log.fd, "ipc"],
      detached: true,
    });
    const outcome = await new Promise<Addresses | string>((resolve) => {
      child.on("message", (message) => {
        const ready = vReady.safeParse(message);
        if (ready.success) resolve(ready.data.addresses);
      });
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    await tail.end();
    if (typeof outcome === "string") {
      throw new SlipwayError({
        code: "setup",
        message: `Slipway did not start (${outcome}).`,
        hint: `Why is said above, and in ${logPath}.`,
      });
    }
    child.disconnect();
    child.unref();
    return outcome;
  } finally {
    await log.close();
  }
}

/** In the detached process: tells whoever started it that all runs. False where nobody asked. */
export function tellStarter(addresses: Addresses): boolean {
  if (!process.send) return false;
  process.send({ event: "ready", addresses });
  return true;
}

/** Shows what is appended to a file, until it is ended. */
class Tail {
  private readonly timer: NodeJS.Timeout;
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: FileHandle,
    private position: number,
    private readonly show: (text: string) => void,
  ) {
    this.timer = setInterval(() => this.next(), LOOK_EVERY_MS);
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    this.next();
    await this.reading;
  }

  private next(): void {
    this.reading = this.reading.then(async () => {
      const { bytesRead, buffer } = await this.file.read({
        buffer: Buffer.alloc(64 * 1024),
        position: this.position,
      });
      this.position += bytesRead;
      if (bytesRead > 0) this.show(buffer.toString("utf8", 0, bytesRead));
    });
  }
}

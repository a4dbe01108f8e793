import { mkdirSync } from "node:fs";
import path from "node:path";
import { dataDirectory, dataPaths } from "./dataDir.ts";

let known: string | undefined;

/** The file that keeps what every set-up command wrote: `logs/setup.log` in the data directory. */
export function setupLogPath(): string {
  if (known === undefined) {
    const folder = dataPaths(dataDirectory()).logs;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    known = path.join(folder, "setup.log");
  }
  return known;
}

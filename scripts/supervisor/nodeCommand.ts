import { join } from "node:path";
import { REPOSITORY } from "../setup/dataDir.ts";

/** How one of our TypeScript programs is run: the same Node as ours, with tsx. */
export function nodeCommand(script: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, "--import", "tsx", join(REPOSITORY, script), ...args];
}

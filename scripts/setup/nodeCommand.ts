import { join } from "node:path";
import { REPOSITORY } from "./dataDir.ts";

/** How one of our TypeScript programs is run: the same Node as ours, by scripts/run.mjs. `script` is below the repository. */
export function nodeCommand(script: string, ...args: string[]): [string, ...string[]] {
  return [process.execPath, join(REPOSITORY, "scripts/run.mjs"), join(REPOSITORY, script), ...args];
}

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";
import type { Stacks } from "../../core/stack.ts";
import { loadStacks, starterFolder } from "./loadStacks.ts";

/** The stacks of one host: those of this checkout, and those that its user brought in a folder (docs/stacks.md). */
export type HostStacks = {
  stacks: Stacks;
  /** Names of the user's own. */
  own: string[];
  /** Where the user's own lie, or would. */
  folder: string;
  /** The folder that a new project of a stack starts from. */
  starterOf(stack: string): string;
};

/**
 * @param dataDir its folder `stacks` holds the user's own, where SLIPWAY_STACKS names no other
 * @throws SlipwayError `setup` where a file is damaged, a starter is missing, or a name is taken
 */
export function hostStacks(dataDir: string, environment: NodeJS.ProcessEnv = process.env): HostStacks {
  const named = environment.SLIPWAY_STACKS || undefined;
  const folder = named ?? join(dataDir, "stacks");
  const shipped = loadStacks();
  if (!isFolder(folder)) {
    if (named !== undefined) throw refused(`SLIPWAY_STACKS names ${folder}, which is no folder.`);
    return { stacks: shipped, own: [], folder, starterOf: (stack) => starterFolder(shipped[stack]!) };
  }
  const brought = loadStacks(folder);
  for (const { name, starter } of Object.values(brought)) {
    if (Object.hasOwn(shipped, name))
      throw refused(`The stack "${name}" in ${folder} has the name of one of Slipway's.`);
    if (!isFolder(join(folder, starter))) {
      throw refused(
        `The stack "${name}" in ${folder} has no starter: ${join(folder, starter)} is no folder.`,
      );
    }
  }
  return {
    stacks: { ...shipped, ...brought },
    own: Object.keys(brought),
    folder,
    starterOf: (stack) =>
      Object.hasOwn(brought, stack) ? starterFolder(brought[stack]!, folder) : starterFolder(shipped[stack]!),
  };
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function refused(message: string): SlipwayError {
  return new SlipwayError({
    code: "setup",
    message,
    hint: "Correct it as docs/stacks.md says, then try again.",
  });
}

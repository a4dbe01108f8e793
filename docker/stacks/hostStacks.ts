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
  /**
   * The folder that a new project of a stack starts from.
   * @throws SlipwayError `setup` where there is no such stack (any more)
   */
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
    return { stacks: shipped, own: [], folder, starterOf: (stack) => starterIn(shipped, stack, folder) };
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
      Object.hasOwn(brought, stack)
        ? starterFolder(brought[stack]!, folder)
        : starterIn(shipped, stack, folder),
  };
}

/** A workspace that was being filled when a stack was taken from the host still begins with its starter. */
function starterIn(shipped: Stacks, stack: string, folder: string): string {
  if (Object.hasOwn(shipped, stack)) return starterFolder(shipped[stack]!);
  throw new SlipwayError({
    code: "setup",
    message: `A workspace begins with the starter of the stack "${stack}", which this host has not.`,
    hint: `Put ${stack}.yml and its starter (back) into ${folder} and restart Slipway, or delete the project.`,
  });
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

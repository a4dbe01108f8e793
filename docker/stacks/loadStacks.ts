import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseStack, type Stacks } from "../../core/stack.ts";

/** Where the stacks' files lie; `starter` in each is a path in here. */
export const STACKS_FOLDER = dirname(fileURLToPath(import.meta.url));

/**
 * Every stack of this checkout, by name.
 * @throws SlipwayError `setup` where a file is damaged, or named unlike the stack in it
 */
export function loadStacks(folder = STACKS_FOLDER): Stacks {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  return Object.fromEntries(
    files.sort().map((file) => {
      const stack = parseStack(readFileSync(join(folder, file), "utf8"), join(folder, file));
      return [stack.name, stack];
    }),
  );
}

/** The folder that a new project of that stack starts from. */
export function starterFolder(stack: { starter: string }, folder = STACKS_FOLDER): string {
  return join(folder, stack.starter);
}

import { SlipwayError } from "../errors.ts";
import type { Stack, Stacks } from "../stack.ts";

/** @throws SlipwayError `bad_manifest` where there is no such stack, with the ones there are */
export function stackOf(stacks: Stacks, stack: string, service: string): Stack {
  const found = Object.hasOwn(stacks, stack) ? stacks[stack] : undefined;
  if (found) return found;
  throw new SlipwayError({
    code: "bad_manifest",
    message: `The service "${service}" asks for the stack "${stack}", which this host does not have.`,
    allowed: Object.keys(stacks).sort(),
    hint: `Use one of: ${Object.keys(stacks).sort().join(", ")}.`,
  });
}

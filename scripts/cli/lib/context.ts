import type { Command } from "commander";
import { createOutput, type Output } from "./output.ts";

/** Where `command` writes to, with `--json` as it was given at any place of the command line. */
export function outputOf(command: Command): Output {
  return createOutput(command.optsWithGlobals<{ json?: boolean }>().json === true);
}

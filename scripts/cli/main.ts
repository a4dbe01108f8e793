import { CommanderError } from "commander";
import { EXIT, explain, WrongUse } from "./lib/fail.ts";
import { createOutput } from "./lib/output.ts";
import { buildProgram } from "./program.ts";

/** The entry of `slipway`: runs one command and turns whatever goes wrong into one line and an exit code. */

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `slipway events | head`: the reader has had enough.
  if (error.code === "EPIPE") process.exit(EXIT.done);
  throw error;
});

try {
  await buildProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    if (error.code === "commander.help") return EXIT.wrongUse;
  }
  const failure = explain(error instanceof CommanderError ? wrongUse(error) : error);
  createOutput(process.argv.includes("--json")).failure(failure);
  if (process.env.SLIPWAY_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return failure.exitCode;
}

/** `error: unknown command 'statsu'\n(Did you mean status?)` → one sentence of ours. */
function wrongUse(error: CommanderError): WrongUse {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const text = `${first.charAt(0).toUpperCase()}${first.slice(1)}`;
  const suggestion = rest.join(" ").replace(/^\((.*)\)$/, "$1");
  return new WrongUse(/[.?!]$/.test(text) ? text : `${text}.`, {
    hint: suggestion || "slipway --help shows what there is.",
  });
}

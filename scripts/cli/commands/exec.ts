import type { Command } from "commander";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../core/lifecycle.ts";
import { DoorClient } from "../lib/doorClient.ts";
import { WrongUse } from "../lib/fail.ts";
import { environmentArgument } from "../lib/options.ts";
import { runCommand, runTerminal } from "../lib/remoteCommand.ts";
import { openSession } from "../lib/session.ts";

/** As a shell says of what Ctrl-C ended. */
const INTERRUPTED = 130;

type Options = { service?: string; interactive?: boolean; tty?: boolean };

export function addExec(program: Command): void {
  program
    .command("exec")
    .summary("run a command in a container of an environment")
    .description(
      "Run a command in a running container, as the service's own user in its folder. Standard input goes in, both " +
        "outputs come back apart, and its exit code is this command's own.",
    )
    .argument("<project>", "slug, namespace or id")
    .argument("<env>", ENVIRONMENT_KINDS.join(", "), environmentArgument)
    .argument("<command...>", "the program and its arguments, after --")
    .option("--service <name>", "which service; by default the only one, or app")
    .option("-i, --interactive", "pass standard input on (always done)")
    .option("-t, --tty", "with a terminal")
    .addHelpText(
      "after",
      "\nExamples:\n  slipway exec shop dev -- npm test\n  slipway exec shop dev --service api -- node -v\n" +
        "  slipway exec shop dev -- sh -c 'cat > notes.txt' < notes.txt\n  slipway exec -it shop dev -- node",
    )
    .action(exec);
  program
    .command("shell")
    .summary("a terminal in a container of an environment")
    .description("Open a shell in a running container, in this terminal.")
    .argument("<project>", "slug, namespace or id")
    .argument("[env]", ENVIRONMENT_KINDS.join(", "), environmentArgument, "dev")
    .option("--service <name>", "which service; by default the only one, or app")
    .action(shell);
}

async function exec(
  project: string,
  env: EnvironmentKind,
  command: string[],
  { service, tty }: Options,
): Promise<void> {
  if (tty) requireTerminal("exec -t");
  const door = await DoorClient.open(await openSession(), project, env);
  if (tty) {
    process.exitCode = await runTerminal(door, { command, service }, process);
    return;
  }
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => ending.abort());
  try {
    process.exitCode = await runCommand(door, { command, service }, process, ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    process.exitCode = INTERRUPTED;
  }
}

async function shell(project: string, env: EnvironmentKind, { service }: Options): Promise<void> {
  requireTerminal("shell");
  const door = await DoorClient.open(await openSession(), project, env);
  process.exitCode = await runTerminal(door, { service }, process);
}

function requireTerminal(what: string): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new WrongUse(`slipway ${what} needs a terminal, and this is none.`, {
    hint: "Without one: slipway exec <project> <env> -- <command>",
  });
}

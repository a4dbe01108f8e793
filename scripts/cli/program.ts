import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { REPOSITORY } from "../setup/dataDir.ts";
import { addCert } from "./commands/cert.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDown } from "./commands/down.ts";
import { addEvents } from "./commands/events.ts";
import { addExec } from "./commands/exec.ts";
import { addFiles } from "./commands/files.ts";
import { addGroup } from "./commands/group.ts";
import { addLogs } from "./commands/logs.ts";
import { addOpen } from "./commands/open.ts";
import { addPlan } from "./commands/plan.ts";
import { addProject } from "./commands/project.ts";
import { addRelease } from "./commands/release.ts";
import { addRender } from "./commands/render.ts";
import { addStatus } from "./commands/status.ts";
import { addSecret } from "./commands/secret.ts";
import { addToken } from "./commands/token.ts";
import { addTest } from "./commands/test.ts";
import { addTransition } from "./commands/transition.ts";
import { addTrust } from "./commands/trust.ts";
import { addUp } from "./commands/up.ts";

const EXAMPLES = `
Examples:
  slipway up                                     set up what is missing, start everything
  slipway open                                   the dashboard, signed in
  slipway project create shop --stack react      a project, from a stack's starter
  slipway transition shop planning
  slipway transition shop development --wait     start its dev environment, wait until it serves
  slipway test shop                              test what dev holds, as a release
  slipway transition shop deployment --wait      deploy it
  slipway status                                 what runs, and where
  slipway logs shop dev -f                       follow what it says

<project> is a slug, a namespace or an id. Exit codes: 0 done, 1 failed, 2 wrong use.`;

/**
 * All commands of `slipway`; what is slow to load (Docker, rendering, set-up) each loads when it runs. Parsing throws CommanderError instead of ending the process.
 */
export function buildProgram(): Command {
  const program = new Command("slipway")
    .description("Takes software projects from a plan to a running deployment, on Docker hosts of your own.")
    .version(version(), "-V, --version", "print the version")
    .option("--json", "print data as JSON, and errors too")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EXAMPLES)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .exitOverride();
  for (const add of [
    addUp,
    addDown,
    addOpen,
    addStatus,
    addDoctor,
    addProject,
    addGroup,
    addTransition,
    addDeploy,
    addTest,
    addRelease,
    addLogs,
    addFiles,
    addExec,
    addEvents,
    addRender,
    addPlan,
    addToken,
    addSecret,
    addCert,
    addTrust,
  ]) {
    add(program);
  }
  return program;
}

function version(): string {
  const manifest = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

import type { Command } from "commander";
import { SlipwayError } from "../../../core/errors.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../core/lifecycle.ts";
import { connectEngine } from "../../supervisor/engine.ts";
import { followLogs, logContainers, readLogs, type LogLine } from "../lib/containerLogs.ts";
import { outputOf } from "../lib/context.ts";
import { countOption, environmentArgument } from "../lib/options.ts";
import { paint } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";
import { getProject } from "../lib/views.ts";

export function addLogs(program: Command): void {
  program
    .command("logs")
    .summary("what the containers of an environment say")
    .description("Print what the containers of an environment say.")
    .argument("<project>", "slug, namespace or id")
    .argument("<env>", ENVIRONMENT_KINDS.join(", "), environmentArgument)
    .argument("[service]", "one service; by default all of them")
    .option("-f, --follow", "go on with what they say next")
    .option("--tail <n>", "how many of each container's last lines", countOption, 100)
    .addHelpText("after", "\nExamples:\n  slipway logs shop dev -f\n  slipway logs shop deploy api --tail 20")
    .action(logs);
}

async function logs(
  project: string,
  kind: EnvironmentKind,
  service: string | undefined,
  { follow, tail }: { follow?: boolean; tail: number },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { slug, namespace } = await getProject(session, project);
  const docker = await connectEngine();
  const of = { instanceId: session.instance.instanceId, namespace, kind, service };
  const containers = await logContainers(docker, of);
  if (containers.length === 0 && !follow) {
    throw new SlipwayError({
      code: "not_found",
      message: `${slug} has no container${service === undefined ? "" : ` of ${service}`} in ${kind}.`,
      hint: `slipway project show ${slug} shows what there is.`,
    });
  }
  const several = service === undefined && new Set(containers.map((container) => container.service)).size > 1;
  const print = (line: LogLine) => {
    if (output.json) process.stdout.write(`${JSON.stringify(line)}\n`);
    else
      process.stdout.write(
        `${several ? paint(process.stdout, "cyan", `${line.service} | `) : ""}${line.text}\n`,
      );
  };
  if (follow) await followLogs(docker, of, containers, tail, print);
  else for (const line of await readLogs(docker, containers, tail)) print(line);
}

import type { Command } from "commander";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance } from "../../setup/instance.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";
import { readManifestFile } from "../lib/manifestFile.ts";
import { environmentArgument } from "../lib/options.ts";
import { openSession } from "../lib/session.ts";

/** Stands where a real instance's id would, for a manifest that is rendered before Slipway ever ran. */
const NO_INSTANCE = "preview";

export function addRender(program: Command): void {
  program
    .command("render")
    .summary("print the Compose file of a project, without touching Docker")
    .description(
      "Print the Compose file that a project, or a manifest, is rendered to. Docker is not touched.",
    )
    .argument("[project]", "slug, namespace or id")
    .option("--file <path>", "a manifest, slipway.yml, instead of a project")
    .option("--env <env>", "one environment only: dev, test or deploy", environmentArgument)
    .addHelpText("after", "\nExamples:\n  slipway render shop --env dev\n  slipway render --file slipway.yml")
    .action(render);
}

async function render(
  project: string | undefined,
  { file, env }: { file?: string; env?: EnvironmentKind },
  command: Command,
): Promise<void> {
  if ((project === undefined) === (file === undefined)) {
    throw new WrongUse("Say either a project or --file slipway.yml.");
  }
  const { spec, instanceId } = project === undefined ? await ofFile(file!) : await ofProject(project);
  const { renderHere } = await import("../lib/projectSpec.ts");
  const rendered = renderHere(spec, instanceId, env && [env]);
  outputOf(command).data(rendered.project, () => rendered.yaml);
}

async function ofProject(project: string) {
  const { readSpec } = await import("../lib/readSpec.ts");
  const session = await openSession();
  return { spec: await readSpec(session, project), instanceId: session.instance.instanceId };
}

async function ofFile(file: string) {
  const { specOfManifest } = await import("../lib/projectSpec.ts");
  const instance = await readInstance(dataDirectory());
  return {
    spec: specOfManifest(await readManifestFile(file)),
    instanceId: instance?.instanceId ?? NO_INSTANCE,
  };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { printPlan } from "../../../worker/plan/operation.ts";
import { dataDirectory, REPOSITORY } from "../../setup/dataDir.ts";
import { connectEngine } from "../../supervisor/engine.ts";
import { outputOf } from "../lib/context.ts";
import { openSession } from "../lib/session.ts";

export function addPlan(program: Command): void {
  program
    .command("plan")
    .summary("print what the worker would do for a project now")
    .description(
      "Print what has to be done so that Docker matches what is desired of a project. Nothing is done.",
    )
    .argument("<project>", "slug, namespace or id")
    .action(plan);
}

async function plan(project: string, _options: object, command: Command): Promise<void> {
  const [{ DockerEngine }, { Images }, { previewPlan }, { readSpec }, { hostStacks }, { loadAttachments }] =
    await Promise.all([
      import("../../../worker/engine/dockerEngine.ts"),
      import("../../../worker/images.ts"),
      import("../../../worker/plan/previewPlan.ts"),
      import("../lib/readSpec.ts"),
      import("../../../docker/stacks/hostStacks.ts"),
      import("../../../docker/attachments/loadAttachments.ts"),
    ]);
  const output = outputOf(command);
  const session = await openSession();
  const spec = await readSpec(session, project);
  const engine = new DockerEngine(await connectEngine());
  const operations = await previewPlan(
    {
      ...{ engine, images: new Images(engine), instanceId: session.instance.instanceId },
      ...{ stacks: hostStacks(dataDirectory()).stacks, attachments: loadAttachments() },
      template: await readFile(join(REPOSITORY, "docker/project-template.yml"), "utf8"),
    },
    spec,
  );
  output.data(operations, () => printPlan(operations));
  if (operations.length === 0) output.say(`Nothing to do: Docker matches what is desired of ${spec.slug}.`);
}

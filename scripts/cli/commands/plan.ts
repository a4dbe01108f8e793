import type { Command } from "commander";
import type { Engine } from "../../../worker/engine/engine.ts";
import type { RenderedProject } from "../../../core/render/rendered.ts";
import { loadAttachments } from "../../../docker/attachments/loadAttachments.ts";
import { declaredVolumes, NOTHING_TO_ATTACH } from "../../../worker/attachments/attaching.ts";
import { Images } from "../../../worker/images.ts";
import { printPlan } from "../../../worker/plan/operation.ts";
import { plan as planOperations } from "../../../worker/plan/plan.ts";
import { observe } from "../../../worker/snapshot.ts";
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
  const [{ DockerEngine }, { renderHere }, { readSpec }] = await Promise.all([
    import("../../../worker/engine/dockerEngine.ts"),
    import("../lib/projectSpec.ts"),
    import("../lib/readSpec.ts"),
  ]);
  const output = outputOf(command);
  const session = await openSession();
  const spec = await readSpec(session, project);
  const { instanceId } = session.instance;
  const engine = new DockerEngine(await connectEngine());
  const attaching = { ...NOTHING_TO_ATTACH, definitions: loadAttachments() };
  const imageVolumes = await declaredVolumes(spec, attaching, new Images(engine));
  const rendered = renderHere(spec, instanceId, undefined, imageVolumes).project;
  const operations = planOperations({
    spec,
    rendered,
    snapshot: await observe(engine, { instanceId, namespace: spec.namespace }),
    missingImages: await missingImages(engine, rendered),
  });
  output.data(operations, () => printPlan(operations));
  if (operations.length === 0) output.say(`Nothing to do: Docker matches what is desired of ${spec.slug}.`);
}

async function missingImages(engine: Engine, { environments }: RenderedProject): Promise<Set<string>> {
  const images = new Set(environments.flatMap(({ services }) => services.map(({ image }) => image)));
  const missing = new Set<string>();
  for (const image of images) if (!(await engine.hasImage(image))) missing.add(image);
  return missing;
}

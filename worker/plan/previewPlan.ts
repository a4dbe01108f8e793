import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { AttachmentDefinitions } from "../../core/attachment.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import type { Stacks } from "../../core/stack.ts";
import { declaredVolumes, NOTHING_TO_ATTACH } from "../attachments/attaching.ts";
import type { Engine } from "../engine/engine.ts";
import type { Images } from "../images.ts";
import { renderWanted } from "../renderWanted.ts";
import { observe, type Snapshot } from "../snapshot.ts";
import { describe, printPlan, type Operation } from "./operation.ts";
import { plan, type PlanInput } from "./plan.ts";

export type PreviewContext = {
  engine: Engine;
  images: Images;
  stacks: Stacks;
  attachments: AttachmentDefinitions;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
};

/** What a worker knows besides what Docker shows: what answers, what must not run, what a rollout still needs. */
export type Remembered = (
  rendered: RenderedProject | null,
  found: Snapshot,
) => Promise<{ found: Snapshot } & Pick<PlanInput, "held" | "answering" | "fates">>;

/**
 * What would be done so that Docker matches `spec`, from one look at it. Nothing is done.
 * @throws SlipwayError where the project cannot be rendered; EngineError
 */
export async function previewPlan(
  { engine, images, stacks, attachments, template, instanceId }: PreviewContext,
  spec: ProjectSpec,
  remembered: Remembered = async (_rendered, found) => ({ found }),
): Promise<Operation[]> {
  const attaching = { ...NOTHING_TO_ATTACH, definitions: attachments };
  const imageVolumes = await declaredVolumes(spec, attaching, images);
  const rendering = renderWanted({ spec, stacks, template, instanceId, attachments, imageVolumes });
  if (rendering.error !== null) throw rendering.error;
  const { project: rendered } = rendering;
  const wanted = (rendered?.environments ?? []).flatMap(({ services }) => services.map(({ image }) => image));
  const [found, missingImages] = await Promise.all([
    observe(engine, { instanceId, namespace: spec.namespace }),
    images.missing(wanted),
  ]);
  const { found: snapshot, ...known } = await remembered(rendered, found);
  return plan({ spec, rendered, snapshot, missingImages, ...known });
}

/** One operation as people and pages are shown it. */
export type PlannedStep = {
  id: string;
  /** Like `create container`. */
  kind: Operation["do"];
  /** What is done to what, in words. */
  object: string;
  environment: Operation["environment"];
  cause: string;
  /** Ids of what has to be done before. */
  after: string[];
};

export type PlanAnswer = { operations: PlannedStep[]; text: string };

/** A plan without what containers are made of: no variables, no commands. */
export function planAnswer(operations: readonly Operation[]): PlanAnswer {
  const steps = operations.map((operation) => ({
    id: operation.id,
    kind: operation.do,
    object: describe(operation).slice(operation.do.length + 1),
    environment: operation.environment,
    cause: operation.cause,
    after: operation.after,
  }));
  return { operations: steps, text: printPlan(operations) };
}

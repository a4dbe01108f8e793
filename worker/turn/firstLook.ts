import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import { declaredVolumes, NOTHING_TO_ATTACH } from "../attachments/attaching.ts";
import { watchedVolumes } from "../disks/watchedVolumes.ts";
import type { GroupContext, GroupOutcome } from "../groups/groupKeeper.ts";
import { renderWanted, type Rendering } from "../renderWanted.ts";
import { probeTargets, seeProject, type SeenEnvironment } from "../seen.ts";
import { observe, type Snapshot } from "../snapshot.ts";
import { followTests, type Followed } from "../testRuns/followTests.ts";
import { reportBlind } from "./tell.ts";
import type { TurnContext, TurnInput } from "./turnContext.ts";

/** What a turn knows before it plans anything. */
export type FirstLook = {
  /** As it was read. */
  asked: ProjectSpec;
  /** The same, with the result of tests that have just ended. */
  spec: ProjectSpec;
  rendering: Rendering;
  found: Snapshot;
  /** Whether that is a part of the look at everything, and not of this moment. */
  isKept: boolean;
  seen: SeenEnvironment[];
  /** Images that this host does not have. */
  missingImages: ReadonlySet<string>;
  tests: Followed;
  /** Containers that must not run now, by name, and why. */
  held: ReadonlyMap<string, string>;
  /** Those of them that are held because a volume of theirs holds more than it may. */
  overfull: ReadonlyMap<string, string>;
  /** What the project's group provides it with. */
  provided: GroupOutcome;
};

/**
 * Looks at Docker, at the tests that run, and at what the project's group shares.
 * @throws when Docker or the control plane cannot be asked; it is told once the turn was the last attempt
 */
export async function firstLook(context: TurnContext, { spec: asked, turn }: TurnInput): Promise<FirstLook> {
  const { namespace } = asked;
  const blind = (error: unknown) => reportBlind(context, asked, turn, error);
  const attaching = context.attaching ?? NOTHING_TO_ATTACH;
  const imageVolumes = await declaredVolumes(asked, attaching, context.images).catch(blind);
  const rendering = renderWanted({
    ...{ spec: asked, stacks: context.stacks, attachments: attaching.definitions, imageVolumes },
    template: context.template,
    instanceId: context.instanceId,
  });
  const [{ found, isKept }, missingImages] = await Promise.all([
    lookFirst(context, asked),
    context.images.missing(imagesOf(rendering.project)),
  ]).catch(blind);
  // Before anything is planned: tests that have ended never run again.
  const tests = await followTests(
    context,
    asked,
    seeProject(asked, rendering.project, found, context.readiness),
  );
  const { spec } = tests;
  const volumeWatch = context.volumeWatch ?? null;
  volumeWatch?.follow(namespace, watchedVolumes(spec, rendering.project, found));
  const overfull = volumeWatch?.held(namespace) ?? new Map<string, string>();
  const held = new Map([...context.crashes.held(namespace, context.clock.elapsed()), ...overfull]);
  const provided = await context.groups.provide(groupContext(context), spec).catch(blind);
  const seen = await ask(context, spec, rendering.project, found);
  return { asked, spec, rendering, found, isKept, seen, missingImages, tests, held, overfull, provided };
}

/** As {@link look}, or what the look at everything found from which this turn follows. What is to go, goes by a fresh one. */
async function lookFirst(
  context: TurnContext,
  { namespace, status }: ProjectSpec,
): Promise<Pick<FirstLook, "found" | "isKept">> {
  const kept = status === "deleting" ? undefined : context.lastLook?.take(namespace);
  const found = kept ? context.staleHealth.correct(kept) : await look(context, namespace);
  return { found, isKept: kept !== undefined };
}

/** What Docker holds of the project now. */
export async function look(
  { engine, instanceId, staleHealth }: TurnContext,
  namespace: string,
): Promise<Snapshot> {
  return staleHealth.correct(await observe(engine, { instanceId, namespace }));
}

/** Follows the readiness of what runs, and sees everything in its light. */
export async function ask(
  { readiness, routedBefore }: TurnContext,
  spec: ProjectSpec,
  rendered: RenderedProject | null,
  snapshot: Snapshot,
): Promise<SeenEnvironment[]> {
  const targets = probeTargets(spec.namespace, seeProject(spec, rendered, snapshot, readiness));
  await readiness.follow(spec.namespace, await routedBefore.mark(spec.namespace, targets));
  return seeProject(spec, rendered, snapshot, readiness);
}

export function groupContext(context: TurnContext): GroupContext {
  const { crashes, clock, attaching = NOTHING_TO_ATTACH } = context;
  return { ...context, attaching, held: (namespace) => crashes.held(namespace, clock.elapsed()) };
}

function imagesOf(rendered: RenderedProject | null): string[] {
  return (rendered?.environments ?? []).flatMap(({ services }) => services.map(({ image }) => image));
}

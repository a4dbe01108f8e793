import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import { LABELS } from "../../core/labels.ts";
import type { EnvironmentSpec, ProjectSpec } from "../../core/projectSpec.ts";
import type { Fate } from "../rollout/fates.ts";
import { neededSnapshots } from "../snapshots/neededSnapshots.ts";
import { filledVolumes, fillingOf } from "../filling/marks.ts";
import { ofEnvironment, type Snapshot } from "../snapshot.ts";
import type { Operation } from "./operation.ts";
import { PlanBuilder } from "./planBuilder.ts";
import { planAbsent } from "./planAbsent.ts";
import { planHibernated } from "./planHibernated.ts";
import { planPulls, planRunning } from "./planRunning.ts";
import { planSnapshots } from "./planSnapshots.ts";

export type PlanInput = {
  spec: Pick<ProjectSpec, "namespace" | "status" | "manifest" | "environments" | "snapshots">;
  /** Null where the project cannot be rendered: then what runs is left alone, and what is to stop or go still does. */
  rendered: RenderedProject | null;
  /** Of this project's namespace. */
  snapshot: Snapshot;
  /** Names what this turn makes to fill volumes, so that no other turn's calls meet it; not given: the plan is only looked at. */
  attempt?: string;
  /** Images that the rendered project needs and this host does not have. */
  missingImages?: ReadonlySet<string>;
  /** Containers that must not run now, by name, and why. */
  held?: ReadonlyMap<string, string>;
  /** Containers that answer, by name; not given: those that Docker calls healthy. */
  answering?: ReadonlySet<string>;
  /** What an environment's services wait for besides its own attachments: those of its group that do not answer. */
  awaited?: ReadonlyMap<EnvironmentKind, string>;
  /** The networks that the project's group provides, as they are now: by name Docker's id. */
  shared?: ReadonlyMap<string, string>;
  /** What becomes of deployed containers of earlier revisions, by name; not given: what is not kept ready goes. */
  fates?: ReadonlyMap<string, Fate>;
};

/**
 * What has to be done so that Docker matches `spec`: nothing, where it does.
 * Pure: the same values give the same operations, in an order in which they can be done one by one.
 */
export function plan(input: PlanInput): Operation[] {
  const { spec, rendered, snapshot, missingImages, held } = input;
  const plan = new PlanBuilder();
  const counting = filledVolumes(snapshot);
  const filled = new Map(
    snapshot.volumes
      .filter(({ name }) => counting.has(name))
      .map((volume) => [volume.name, fillingOf(volume)]),
  );
  const waiting = new Set(neededSnapshots(spec, rendered, snapshot).map(({ kind }) => kind));
  for (const environment of spec.environments) {
    const { kind, desired } = environment;
    const found = ofEnvironment(snapshot, kind);
    const of = rendered?.environments.find((candidate) => candidate.kind === kind);
    switch (desired) {
      case "absent":
        planAbsent(plan, kind, found, environment.keepVolumes, `${kind} is to be absent`);
        break;
      case "hibernated":
        planHibernated(plan, kind, found, spec.manifest.environments[kind].hibernate);
        break;
      case "running":
        if (!of) break;
        // What runs goes on until there is the snapshot of what is to run.
        if (waiting.has(kind)) {
          planPulls(plan, of, missingImages ?? new Set());
          break;
        }
        planRunning(plan, {
          namespace: spec.namespace,
          rendered: of,
          found,
          filledVolumes: filled,
          attempt: input.attempt ?? "next",
          release: environment.release ?? null,
          missingImages: missingImages ?? new Set(),
          held: held ?? new Map(),
          fates: kind === "deploy" ? (input.fates ?? keptOf(found, environment)) : new Map(),
          answering: input.answering ?? null,
          awaited: input.awaited?.get(kind) ?? null,
          shared: input.shared ?? new Map(),
        });
        break;
    }
  }
  const known = new Set(spec.environments.map(({ kind }) => kind));
  for (const kind of [...ENVIRONMENT_KINDS.filter((kind) => !known.has(kind)), null]) {
    const strays = ofEnvironment(snapshot, kind);
    planAbsent(plan, kind, strays, spec.status !== "deleting", "it is of no environment that there is");
  }
  if (spec.status !== "deleting") {
    planSnapshots(plan, ofEnvironment(snapshot, null), isAwaited(spec) ? undefined : spec.snapshots);
  }
  return plan.operations;
}

/**
 * Whether a release waits for its snapshot. It may have been taken already, and told without an answer: then it is kept
 * by a control plane that this spec was read from earlier.
 */
function isAwaited({ environments }: Pick<ProjectSpec, "environments">): boolean {
  return environments.some(
    ({ desired, release }) => desired === "running" && release != null && release.snapshot === null,
  );
}

/** Without a worker's word on a rollout: the release that is kept ready stays so, what else is earlier goes. */
function keptOf({ containers }: Snapshot, { rollout }: EnvironmentSpec): Map<string, Fate> {
  const release = rollout?.kept ? String(rollout.kept.number) : null;
  return new Map(
    containers
      .filter(({ labels }) => release !== null && labels[LABELS.release] === release)
      .map(({ name }): [string, Fate] => [name, "park"]),
  );
}

/** What removes everything of a namespace that no project owns. */
export function planRemoval(snapshot: Snapshot, cause: string): Operation[] {
  const plan = new PlanBuilder();
  planAbsent(plan, null, snapshot, false, cause);
  return plan.operations;
}

import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject, RenderedService } from "../../core/render/rendered.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Engine } from "../engine/engine.ts";
import { attemptName } from "../filling/marks.ts";
import type { Log } from "../log.ts";
import type { Snapshot } from "../snapshot.ts";
import { ContentHash } from "./contentHash.ts";
import type { NeededSnapshot } from "./neededSnapshots.ts";
import { retakeSnapshot, takeSnapshot } from "./takeSnapshot.ts";

export type SnapshotContext = {
  engine: Engine;
  controlPlane: Pick<ControlPlane, "reportSnapshot">;
  instanceId: string;
  /** In [0, 1). */
  random: () => number;
  log: Log;
};

/**
 * Takes the snapshot that an environment waits for and tells the control plane of it.
 * @param found what there is of the project after its plan was executed
 * @throws where it cannot be taken; what is left of the attempt goes with the next plan
 */
export async function snapshotStep(
  { engine, controlPlane, instanceId, random, log }: SnapshotContext,
  { projectId, namespace, slug }: ProjectSpec,
  rendered: RenderedProject,
  found: Snapshot,
  { kind, release, lost }: NeededSnapshot,
): Promise<void> {
  const startedAt = performance.now();
  const done = (fields: Record<string, unknown>) =>
    log("snapshot", {
      ...{ project: slug, release: release.number, ...fields },
      ms: Math.round(performance.now() - startedAt),
    });
  const user = workspaceUser(rendered, kind);
  const input = user && {
    ...{ engine, instanceId, projectId, namespace, user, found },
    attempt: attemptName(random),
  };
  if (lost) {
    if (input) await retakeSnapshot(input, release.snapshot!);
    done({ hash: release.snapshot, again: true });
    return;
  }
  // Images of its own bring their files with them: there is nothing to take.
  const { hash, files, bytes } = input ? await takeSnapshot(input) : new ContentHash().result();
  await controlPlane.reportSnapshot(projectId, release.releaseId, { snapshot: hash, files, bytes });
  done({ hash, files, bytes });
}

function workspaceUser(rendered: RenderedProject, kind: string): RenderedService | null {
  const services = rendered.environments.find((environment) => environment.kind === kind)?.services ?? [];
  return services.find(({ mounts }) => mounts.some(({ target }) => target === WORKSPACE)) ?? null;
}

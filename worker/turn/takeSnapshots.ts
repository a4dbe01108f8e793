import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import type { Snapshot } from "../snapshot.ts";
import type { NeededSnapshot } from "../snapshots/neededSnapshots.ts";
import { snapshotStep } from "../snapshots/snapshotStep.ts";
import { SnapshotLost } from "../snapshots/takeSnapshot.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * Takes the first of the needed snapshots that can be taken; the next turn sees to what that makes possible.
 * @param onFailure told of each that could not be taken
 * @returns why the first of them could not, or null
 */
export async function takeSnapshots(
  context: TurnContext,
  spec: ProjectSpec,
  rendered: RenderedProject,
  found: Snapshot,
  needed: readonly NeededSnapshot[],
  onFailure: (snapshot: NeededSnapshot, error: unknown) => Promise<void>,
): Promise<unknown> {
  let first: unknown = null;
  for (const one of needed) {
    try {
      await snapshotStep(context, spec, rendered, found, one);
      context.expire(spec.projectId);
      context.again(spec.projectId, 0);
      break;
    } catch (error) {
      first ??= error;
      await onFailure(one, error);
      // One that nothing brings back must not keep others waiting; of others, something may be left to clear away.
      if (!(error instanceof SnapshotLost)) break;
    }
  }
  return first;
}

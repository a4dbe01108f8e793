import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { snapshotVolumeName } from "../../core/naming.ts";
import type { ProjectSpec, ReleaseSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import { filledVolumes } from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";

/** A snapshot without which an environment cannot be made. */
export type NeededSnapshot = {
  kind: EnvironmentKind;
  release: ReleaseSpec;
  /** Whether there was one, and it is gone from this host: then only the very same content will do. */
  lost: boolean;
};

/**
 * The snapshots that environments wait for: of a release that has none yet, and one that is gone before the workspace
 * was filled from it. Pure.
 */
export function neededSnapshots(
  spec: Pick<ProjectSpec, "namespace" | "environments">,
  rendered: RenderedProject | null,
  found: Snapshot,
): NeededSnapshot[] {
  const filled = filledVolumes(found);
  return spec.environments.flatMap(({ kind, desired, release }): NeededSnapshot[] => {
    if (desired !== "running" || !release) return [];
    // A test that has ended never runs again, so it needs no files either.
    if (kind === "test" && release.result !== null) return [];
    if (release.snapshot === null) return [{ kind, release, lost: false }];
    if (filled.has(snapshotVolumeName(spec.namespace, release.snapshot))) return [];
    const volumes = rendered?.environments.find((environment) => environment.kind === kind)?.volumes ?? [];
    const waits = volumes.some(({ name, fill }) => isFromSnapshot(fill) && !filled.has(name));
    return waits ? [{ kind, release, lost: true }] : [];
  });
}

function isFromSnapshot(fill: readonly { from: string }[]): boolean {
  return fill.length > 0 && fill.every(({ from }) => from === "volume");
}

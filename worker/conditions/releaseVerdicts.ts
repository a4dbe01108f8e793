import { describeResult, hasPassed } from "../../core/releases.ts";
import { SnapshotLost } from "../snapshots/takeSnapshot.ts";
import { explain, reasonOf } from "./explain.ts";
import type { Findings } from "./findings.ts";
import { no, type Verdict } from "./verdict.ts";

/** Reasons after which nothing more happens by itself: only a new release helps. */
export const ENDED_REASONS: ReadonlySet<string> = new Set(["TestsFailed", "TestsTimedOut", "SnapshotLost"]);

/** What keeps an environment from its release: its snapshot is not there, or its tests have failed; null: nothing. */
export function releaseProblem({ seen, snapshot, logs }: Findings): Verdict | null {
  if (snapshot) {
    const { error } = snapshot;
    if (error == null) return no("SnapshotPending", "A snapshot of the dev workspace is being taken.");
    return no(error instanceof SnapshotLost ? "SnapshotLost" : reasonOf(error), explain(error));
  }
  const { release } = seen.spec;
  if (!release?.result || seen.spec.kind !== "test" || hasPassed(release.result)) return null;
  const output = seen.replicas.map(({ name }) => logs.get(name) ?? "").join("\n");
  return no(
    release.result.timedOut ? "TestsTimedOut" : "TestsFailed",
    `Release ${release.number}: ${describeResult({ ...release.result, output })}`,
  );
}

/** `Release 3: tests passed in 3.2 s.`; empty where that is not so. */
export function passedMessage({ seen }: Findings): string {
  const { kind, release } = seen.spec;
  if (kind !== "test" || !release?.result || !hasPassed(release.result)) return "";
  return `Release ${release.number}: ${describeResult(release.result)}.`;
}
